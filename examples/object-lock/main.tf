terraform {
  required_providers {
    replicated = { source = "replicated-bucket/replicated" }
  }
}

variable "bucket" {
  description = "Name of the source bucket; the copy's is this and -copy."
  type        = string
  default     = "acme-archive"
}

variable "region" {
  description = "Where the archive is."
  type        = string
  default     = "ap-southeast-2"
}

variable "copy_region" {
  description = "Where the copy is."
  type        = string
  default     = "us-west-2"
}

variable "copy_role_arn" {
  description = "Role in the copy's account that the first account may assume."
  type        = string
  default     = "arn:aws:iam::222222222222:role/Deploy"
}

provider "replicated" {
  region = var.region
}

locals {
  locked = {
    object_lock = { mode = "GOVERNANCE", days = 365 }
    lifecycle_rules = {
      old-versions = {
        noncurrent_version_expiration          = { noncurrent_days = 365 }
        abort_incomplete_multipart_upload_days = 7
      }
    }
  }
}

resource "replicated_bucket" "archive" {
  source = merge(local.locked, { bucket = var.bucket })
  destinations = {
    copy = merge(local.locked, {
      region      = var.copy_region
      assume_role = { role_arn = var.copy_role_arn }
    })
  }
}

output "replicated_bucket" {
  description = "What Terraform made, one line for each AWS object."
  value       = replicated_bucket.archive.components
}
