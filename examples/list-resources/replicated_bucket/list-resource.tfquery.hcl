list "replicated_bucket" "archives" {
  provider = replicated

  # As an import would find them.
  include_resource = true
  limit            = 50

  config {
    region = "ap-southeast-2"
    prefix = "acme-"
  }
}
