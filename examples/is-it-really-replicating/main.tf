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

provider "replicated" {
  region = "ap-southeast-2"
}

resource "replicated_bucket" "archive" {
  source       = { bucket = var.bucket }
  destinations = { backup = { region = "us-west-2", storage_class = "STANDARD_IA" } }
  verification = { timeout = "10m" }
}

output "verified_at" {
  description = "When an object was last seen to cross."
  value       = replicated_bucket.archive.destinations["backup"].verified_at
}
