resource "replicated_bucket" "archive" {
  source       = { bucket = "acme-archive" }
  destinations = { backup = { region = "us-west-2", metrics = true } }
}

# In a check block the status is read in every plan, and what is wrong is a warning.
check "archive_replicates" {
  data "replicated_bucket_status" "archive" {
    import_id = replicated_bucket.archive.import_id
    keys      = ["health/canary.txt"]
  }

  assert {
    condition     = data.replicated_bucket_status.archive.wired
    error_message = join("\n", data.replicated_bucket_status.archive.problems)
  }

  assert {
    condition     = data.replicated_bucket_status.archive.destinations["backup"].rules["default"].status == "ACTIVE"
    error_message = "The backup does not get what is written."
  }

  assert {
    condition     = data.replicated_bucket_status.archive.objects["health/canary.txt"].destinations["backup"].present
    error_message = "The canary has not arrived in the backup."
  }
}
