# The permissions of the pipelines, made before there is a bucket: one that applies, and one that only plans.
locals {
  archive = {
    source = { bucket = "acme-archive", region = "ap-southeast-2", account_id = "111111111111" }
    destinations = {
      backup = {
        region      = "us-west-2"
        assume_role = { role_arn = "arn:aws:iam::222222222222:role/Deploy" }
      }
    }
  }
  apply = provider::replicated::operator_policy(local.archive)
  plan  = provider::replicated::operator_policy(merge(local.archive, { access = "read" }))
}

output "for_the_deploy_role_in_the_backup_account" {
  value = local.apply["222222222222"]
}

output "for_the_role_that_plans" {
  value = local.plan["111111111111"]
}
