terraform {
  required_providers {
    replicated = { source = "replicated-bucket/replicated" }
  }
}

variable "bucket" {
  description = "Name of the source bucket."
  type        = string
}

variable "destinations" {
  description = "The replicas by name: where each of them is, and how its account is entered."
  type = map(object({
    region        = string
    assume_role   = optional(object({ role_arn = string }))
    storage_class = optional(string)
  }))
}

resource "replicated_bucket" "this" {
  source = {
    bucket     = var.bucket
    encryption = { sse_algorithm = "aws:kms" }
  }
  destinations = var.destinations
}

output "components" {
  description = "What Terraform made, one line for each AWS object."
  value       = replicated_bucket.this.components
}
