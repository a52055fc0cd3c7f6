resource "replicated_bucket" "archive" {
  source = {
    bucket     = "acme-archive"
    encryption = { sse_algorithm = "aws:kms" }
  }
  destinations = {
    backup = {
      region      = "us-west-2"
      assume_role = { role_arn = "arn:aws:iam::222222222222:role/Deploy" }
    }
  }
}

# What the owner of the key in the other account has to add.
output "for_the_backup_key" {
  value = provider::replicated::destination_key_policy(replicated_bucket.archive)["backup"]
}
