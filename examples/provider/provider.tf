terraform {
  required_providers {
    replicated = { source = "replicated-bucket/replicated" }
  }
}

provider "replicated" {
  region  = "ap-southeast-2"
  profile = "archive"

  # How to get into another account, told once: a destination then says only its account_id.
  account {
    account_id = "222222222222"
    assume_role {
      role_arn = "arn:aws:iam::222222222222:role/Deploy"
    }
  }

  default_tags {
    tags = { team = "archive" }
  }
}
