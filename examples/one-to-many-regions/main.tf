terraform {
  required_providers {
    replicated = { source = "replicated-bucket/replicated" }
  }
}

variable "bucket" {
  description = "Name of the source bucket; each replica's is this and its region."
  type        = string
  default     = "acme-archive"
}

variable "region" {
  description = "Where the source bucket is."
  type        = string
  default     = "ap-southeast-2"
}

variable "replica_regions" {
  description = "Where the replicas are; a region may be added at any time."
  type        = set(string)
  default     = ["eu-west-1", "us-west-2"]
}

provider "replicated" {
  region = var.region
}

resource "replicated_bucket" "archive" {
  source = {
    bucket            = var.bucket
    encryption        = { sse_algorithm = "aws:kms" }
    retain_on_destroy = true
  }
  destinations = { for region in var.replica_regions : region => {
    region                    = region
    delete_marker_replication = true
    retain_on_destroy         = true
  } }
  role = { path = "/service-role/" }
}

output "replicated_bucket" {
  description = "What Terraform made, one line for each AWS object."
  value       = replicated_bucket.archive.components
}
