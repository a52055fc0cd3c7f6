resource "replicated_bucket" "archive" {
  source = { bucket = "acme-archive" }
  destinations = {
    backup = {
      region      = "us-west-2"
      assume_role = { role_arn = "arn:aws:iam::222222222222:role/Deploy" }
    }
  }

  # Once, after the rules were made. Run it again with:
  # terraform apply -invoke=action.replicated_bucket_backfill.archive
  lifecycle {
    action_trigger {
      events  = [after_create]
      actions = [action.replicated_bucket_backfill.archive]
    }
  }
}

action "replicated_bucket_backfill" "archive" {
  config {
    import_id = replicated_bucket.archive.import_id
  }
}
