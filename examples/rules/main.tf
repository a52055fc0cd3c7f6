terraform {
  required_providers {
    replicated = { source = "replicated-bucket/replicated" }
  }
}

variable "bucket" {
  description = "Name of the source bucket; the replica's is this and -partner."
  type        = string
  default     = "acme-archive"
}

variable "region" {
  description = "Where both buckets are."
  type        = string
  default     = "eu-central-1"
}

variable "partner_role_arn" {
  description = "Role in the partner's account that the source's account may assume."
  type        = string
  default     = "arn:aws:iam::222222222222:role/Deploy"
}

variable "key_arn" {
  description = "Key of the source."
  type        = string
}

variable "partner_key_arn" {
  description = "Key of the replicas, in the partner's account."
  type        = string
}

provider "replicated" {
  region = var.region
}

resource "replicated_bucket" "archive" {
  source = {
    bucket     = var.bucket
    encryption = { sse_algorithm = "aws:kms", kms_key_arn = var.key_arn }
  }
  destinations = {
    partner = {
      assume_role       = { role_arn = var.partner_role_arn }
      encryption        = { sse_algorithm = "aws:kms", kms_key_arn = var.partner_key_arn }
      manage_key_policy = true
      rules = {
        invoices = { priority = 30, filter = { prefix = "invoices/" }, delete_marker_replication = true }
        legal    = { priority = 20, filter = { prefix = "records/", tags = { kind = "legal" } } }
        records  = { priority = 10, filter = { prefix = "records/" }, storage_class = "GLACIER_IR" }
        drafts   = { priority = 0, filter = { prefix = "drafts/" }, enabled = false }
      }
    }
  }
}

output "replicated_bucket" {
  description = "What Terraform made, one line for each AWS object."
  value       = replicated_bucket.archive.components
}
