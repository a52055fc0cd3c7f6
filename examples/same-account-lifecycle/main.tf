terraform {
  required_providers {
    replicated = { source = "replicated-bucket/replicated" }
  }
}

variable "bucket" {
  description = "Name of the source bucket; the replica's is this and -copy."
  type        = string
  default     = "acme-archive"
}

variable "region" {
  description = "Where the source bucket is."
  type        = string
  default     = "ap-southeast-2"
}

variable "copy_region" {
  description = "Where the replica is."
  type        = string
  default     = "us-west-2"
}

provider "replicated" {
  region = var.region
}

locals {
  lifecycle_rules = {
    old-versions = {
      noncurrent_version_expiration          = { noncurrent_days = 21 }
      abort_incomplete_multipart_upload_days = 7
    }
  }
}

resource "replicated_bucket" "archive" {
  source = {
    bucket          = var.bucket
    lifecycle_rules = local.lifecycle_rules
  }
  destinations = {
    copy = {
      region          = var.copy_region
      lifecycle_rules = local.lifecycle_rules
    }
  }
}

output "replicated_bucket" {
  description = "What Terraform made, one line for each AWS object."
  value       = replicated_bucket.archive.components
}
