terraform {
  required_providers {
    replicated = { source = "replicated-bucket/replicated" }
  }
}

variable "bucket" {
  description = "Beginning of the source buckets' names; each is this and the name of its service."
  type        = string
  default     = "acme-logs"
}

variable "services" {
  description = "Who writes logs."
  type        = set(string)
  default     = ["payments", "search"]
}

variable "region" {
  description = "Where they write."
  type        = string
  default     = "ap-southeast-2"
}

variable "archive" {
  description = "Name of the log archive, which is there already."
  type        = string
}

variable "archive_region" {
  description = "Where the archive is."
  type        = string
  default     = "us-west-2"
}

variable "archive_role_arn" {
  description = "Role in the archive's account that this one may assume."
  type        = string
  default     = "arn:aws:iam::222222222222:role/Deploy"
}

provider "replicated" {
  region = var.region
}

resource "replicated_bucket" "logs" {
  for_each = var.services
  source   = { bucket = "${var.bucket}-${each.key}" }
  destinations = {
    archive = {
      bucket        = var.archive
      existing      = true
      region        = var.archive_region
      assume_role   = { role_arn = var.archive_role_arn }
      filter        = { prefix = "${each.key}/" }
      storage_class = "GLACIER_IR"
    }
  }
}

output "replicated_buckets" {
  description = "What Terraform made for each service, one line for each AWS object."
  value       = { for service, logs in replicated_bucket.logs : service => logs.components }
}
