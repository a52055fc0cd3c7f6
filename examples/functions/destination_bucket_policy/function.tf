resource "replicated_bucket" "archive" {
  source = { bucket = "acme-archive" }
  destinations = {
    backup = {
      region      = "us-west-2"
      assume_role = { role_arn = "arn:aws:iam::222222222222:role/Deploy" }
    }
  }
}

# What the owner of the bucket in the other account has to add.
output "for_the_backup_account" {
  value = provider::replicated::destination_bucket_policy(replicated_bucket.archive)["backup"]
}
