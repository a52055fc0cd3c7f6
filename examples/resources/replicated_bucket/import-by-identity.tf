# Further accounts are entered by the provider's `account` blocks for them.
import {
  to = replicated_bucket.archive
  identity = {
    bucket = "acme-archive"
  }
}
