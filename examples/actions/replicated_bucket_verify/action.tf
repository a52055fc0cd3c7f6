resource "replicated_bucket" "archive" {
  source = { bucket = "acme-archive" }
  destinations = {
    backup = {
      region      = "us-west-2"
      assume_role = { role_arn = "arn:aws:iam::222222222222:role/Deploy" }
    }
  }

  # After each change. At any other time:
  # terraform apply -invoke=action.replicated_bucket_verify.archive
  lifecycle {
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.replicated_bucket_verify.archive]
    }
  }
}

action "replicated_bucket_verify" "archive" {
  config {
    import_id = replicated_bucket.archive.import_id
  }
}
