terraform {
  required_providers {
    replicated = { source = "replicated-bucket/replicated" }
  }
}

variable "bucket" {
  description = "Name of the bucket in the first account; the other's is this and -dr."
  type        = string
  default     = "acme-archive"
}

variable "region" {
  description = "Region of the first bucket."
  type        = string
  default     = "ap-southeast-2"
}

variable "dr_region" {
  description = "Region of the other."
  type        = string
  default     = "us-west-2"
}

variable "dr_role_arn" {
  description = "Role in the second account that the first one may assume."
  type        = string
  default     = "arn:aws:iam::222222222222:role/Deploy"
}

provider "replicated" {
  region = var.region
}

provider "replicated" {
  alias  = "dr"
  region = var.dr_region
  assume_role {
    role_arn = var.dr_role_arn
  }
}

data "replicated_account" "dr" {
  provider = replicated.dr
}

resource "replicated_bucket" "archive" {
  source = {
    bucket     = var.bucket
    encryption = { sse_algorithm = "aws:kms" }
  }
  destinations = {
    dr = merge(data.replicated_account.dr.location, { two_way = true })
  }
}

output "replicated_bucket" {
  description = "What Terraform made, one line for each AWS object."
  value       = replicated_bucket.archive.components
}
