# Another team keeps the roles and the policies of the archive's buckets; this says what they have to hold.
data "replicated_policies" "archive" {
  source = {
    bucket   = "acme-archive"
    existing = true
  }
  destinations = {
    backup = {
      bucket      = "acme-archive-backup"
      existing    = true
      region      = "us-west-2"
      assume_role = { role_arn = "arn:aws:iam::222222222222:role/Deploy" }
    }
  }
  role = { existing_arn = "arn:aws:iam::111111111111:role/service-role/Replication" }
}

output "for_the_role" {
  value = data.replicated_policies.archive.role_policy
}

output "for_the_backup_bucket" {
  value = data.replicated_policies.archive.destination_bucket_policy["backup"]
}
