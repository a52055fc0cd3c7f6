resource "replicated_bucket" "archive" {
  source = { bucket = "acme-archive" }
  destinations = {
    backup = {
      region      = "us-west-2"
      assume_role = { role_arn = "arn:aws:iam::222222222222:role/Deploy" }
    }
  }
}

output "trust_policy" {
  value = provider::replicated::trust_policy(replicated_bucket.archive)
}
