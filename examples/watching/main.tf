terraform {
  required_providers {
    replicated = { source = "replicated-bucket/replicated" }
  }
}

variable "bucket" {
  description = "Name of the source bucket; the replica's is this and -backup."
  type        = string
  default     = "acme-archive"
}

variable "watched" {
  description = "Keys of objects that have to have crossed, such as one that a job writes every night."
  type        = list(string)
  default     = []
}

provider "replicated" {
  region = "ap-southeast-2"
}

resource "replicated_bucket" "archive" {
  source       = { bucket = var.bucket }
  destinations = { backup = { region = "us-west-2", metrics = true } }
}

check "archive_replicates" {
  data "replicated_bucket_status" "archive" {
    import_id = replicated_bucket.archive.import_id
    keys      = var.watched
  }

  assert {
    condition     = data.replicated_bucket_status.archive.wired
    error_message = "Objects cannot cross: ${join("; ", data.replicated_bucket_status.archive.problems)}"
  }

  assert {
    condition = alltrue(flatten([
      for destination in data.replicated_bucket_status.archive.destinations : [
        for rule in destination.rules : rule.status != "FAILING" && coalesce(rule.latency_seconds, 0) < 900
      ]
    ]))
    error_message = "Replication has failed in the last 24 hours, or is more than 15 minutes behind."
  }

  assert {
    condition = alltrue([
      for object in data.replicated_bucket_status.archive.objects : object.source.replication_status == "COMPLETED"
    ])
    error_message = "Not every watched object has crossed."
  }
}
