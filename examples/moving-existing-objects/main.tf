terraform {
  required_version = ">= 1.14"
  required_providers {
    replicated = { source = "replicated-bucket/replicated" }
  }
}

variable "bucket" {
  description = "Name of the bucket with the objects, which is there already; the replica's is this and -backup."
  type        = string
  default     = "acme-archive"
}

variable "reports" {
  description = "Name of a bucket beside it for reports of objects that did not cross, which is there already, too."
  type        = string
  default     = null
}

provider "replicated" {
  region = "ap-southeast-2"
}

resource "replicated_bucket" "archive" {
  source = {
    bucket            = var.bucket
    existing          = true
    enable_versioning = true
  }
  destinations = { backup = { region = "us-west-2" } }

  lifecycle {
    action_trigger {
      events  = [after_create]
      actions = [action.replicated_bucket_backfill.archive]
    }
  }
}

action "replicated_bucket_backfill" "archive" {
  config {
    import_id     = replicated_bucket.archive.import_id
    report_bucket = var.reports
  }
}
