# Another account, another region, customer managed keys on both sides.
resource "replicated_bucket" "archive" {
  source = {
    bucket     = "acme-archive"
    encryption = { sse_algorithm = "aws:kms" }
  }
  destinations = {
    backup = {
      bucket        = "acme-archive-backup"
      region        = "us-west-2"
      assume_role   = { role_arn = "arn:aws:iam::222222222222:role/Deploy" }
      storage_class = "STANDARD_IA"
    }
  }
}

# Two destinations: one beside the source, one in an account that the provider has an `account` block for.
resource "replicated_bucket" "letters" {
  source = { bucket = "acme-letters" }
  destinations = {
    near = { region = "ap-southeast-1" }
    far = {
      region                    = "eu-central-1"
      account_id                = "222222222222"
      delete_marker_replication = true
    }
  }
  tags = { team = "archive" }
}
