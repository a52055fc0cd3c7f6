terraform {
  required_providers {
    replicated = { source = "replicated-bucket/replicated" }
  }
}

variable "buckets" {
  description = "Names of buckets that are there already; each copy's is its original's and -backup."
  type        = set(string)
  default     = ["acme-invoices", "acme-letters"]
}

variable "region" {
  description = "Where the buckets are."
  type        = string
  default     = "ap-southeast-2"
}

variable "key_arn" {
  description = "Key for what is written to them from now on."
  type        = string
}

variable "backup_region" {
  description = "Where the copies are."
  type        = string
  default     = "us-west-2"
}

variable "backup_role_arn" {
  description = "Role in the copies' account that the first account may assume."
  type        = string
  default     = "arn:aws:iam::222222222222:role/Deploy"
}

variable "backup_key_arn" {
  description = "Key of the copies, in their account."
  type        = string
}

provider "replicated" {
  region = var.region
}

resource "replicated_bucket" "backup" {
  for_each = var.buckets
  source = {
    bucket            = each.key
    existing          = true
    enable_versioning = true
    enable_encryption = true
    encryption        = { sse_algorithm = "aws:kms", kms_key_arn = var.key_arn }
  }
  destinations = {
    backup = {
      region            = var.backup_region
      assume_role       = { role_arn = var.backup_role_arn }
      encryption        = { sse_algorithm = "aws:kms", kms_key_arn = var.backup_key_arn }
      manage_key_policy = true
    }
  }
}

output "replicated_buckets" {
  description = "What Terraform made for each bucket, one line for each AWS object."
  value       = { for name, backup in replicated_bucket.backup : name => backup.components }
}
