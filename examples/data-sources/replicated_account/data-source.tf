provider "replicated" {
  region = "ap-southeast-2"
}

# The team has a provider configuration for the account of the replicas already.
provider "replicated" {
  alias  = "dr"
  region = "us-west-2"
  assume_role {
    role_arn = "arn:aws:iam::222222222222:role/Deploy"
  }
}

data "replicated_account" "dr" {
  provider = replicated.dr
}

resource "replicated_bucket" "archive" {
  source = { bucket = "acme-archive" }
  destinations = {
    dr = merge(data.replicated_account.dr.location, { bucket = "acme-archive-dr" })
  }
}
