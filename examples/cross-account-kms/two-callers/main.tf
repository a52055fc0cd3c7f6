terraform {
  required_providers {
    replicated = { source = "replicated-bucket/replicated" }
  }
}

variable "bucket" {
  description = "Beginning of the names of both source buckets."
  type        = string
  default     = "acme"
}

variable "backup_role_arn" {
  description = "Role in the second account that the first one may assume."
  type        = string
  default     = "arn:aws:iam::222222222222:role/Deploy"
}

variable "home_role_arn" {
  description = "Role in the first account that it may assume itself."
  type        = string
  default     = "arn:aws:iam::111111111111:role/Deploy"
}

# The first account.
provider "replicated" {
  alias  = "sydney"
  region = "ap-southeast-2"
}

# The second account.
provider "replicated" {
  alias  = "frankfurt"
  region = "eu-central-1"
  assume_role {
    role_arn = var.backup_role_arn
  }
}

module "archive" {
  source    = "../module"
  providers = { replicated = replicated.sydney }

  bucket = "${var.bucket}-archive"
  destinations = {
    backup = {
      region        = "us-west-2"
      assume_role   = { role_arn = var.backup_role_arn }
      storage_class = "STANDARD_IA"
    }
  }
}

module "letters" {
  source    = "../module"
  providers = { replicated = replicated.frankfurt }

  bucket = "${var.bucket}-letters"
  destinations = {
    near = { region = "eu-west-1" }
    home = {
      region      = "ap-southeast-2"
      assume_role = { role_arn = var.home_role_arn }
    }
  }
}
