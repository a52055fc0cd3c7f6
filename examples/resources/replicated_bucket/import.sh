# By the source bucket's name, in the provider's account and region.
terraform import replicated_bucket.archive acme-archive

# With its region, or with its account and region.
terraform import replicated_bucket.archive acme-archive@us-west-2
terraform import replicated_bucket.archive 111111111111/acme-archive@us-west-2

# Each further account is entered by the provider's `account` block for it, or by a role that follows the ID.
terraform import replicated_bucket.archive acme-archive,arn:aws:iam::222222222222:role/Deploy
