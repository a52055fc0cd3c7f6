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

variable "region" {
  description = "Where the source bucket is."
  type        = string
  default     = "ap-southeast-2"
}

variable "backup_region" {
  description = "Where the replica is."
  type        = string
  default     = "us-west-2"
}

variable "backup_role_arn" {
  description = "Role in the replica's account that the source's account may assume."
  type        = string
  default     = "arn:aws:iam::222222222222:role/Deploy"
}

provider "replicated" {
  region = var.region
}

resource "replicated_bucket" "archive" {
  source = {
    bucket     = var.bucket
    encryption = { sse_algorithm = "aws:kms" }
  }
  destinations = {
    backup = {
      bucket        = "${var.bucket}-backup"
      region        = var.backup_region
      assume_role   = { role_arn = var.backup_role_arn }
      storage_class = "STANDARD_IA"
    }
  }
}

output "replicated_bucket" {
  description = "What Terraform made, one line for each AWS object."
  value       = replicated_bucket.archive.components
}
