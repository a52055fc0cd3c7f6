# A role that another team keeps, for a setup whose keys are there already.
locals {
  archive = {
    source = {
      bucket     = "acme-archive"
      region     = "ap-southeast-2"
      account_id = "111111111111"
      encryption = {
        sse_algorithm = "aws:kms"
        kms_key_arn   = "arn:aws:kms:ap-southeast-2:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"
      }
    }
    destinations = {
      near = { region = "ap-southeast-4", encryption = { sse_algorithm = "AES256" } }
    }
  }
}

output "role_policy" {
  value = provider::replicated::role_policy(local.archive)
}
