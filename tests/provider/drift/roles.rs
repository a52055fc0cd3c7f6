//! The role: itself, whom it trusts, and what it is allowed.

use terraform_provider_replicated::replication::policy::{Element, PolicyDocument};

use super::configs::{
    BOUNDARY, many, whole, with_an_existing_role, with_boundary, with_tags_of_the_role,
};
use super::{role, statements};
use crate::fake::{Role, State};

fn inline(aws: &mut State) -> &mut PolicyDocument {
    role(aws).policies.get_mut("replication").unwrap()
}

fn of_existing_role(aws: &mut State) -> &mut Role {
    let id = ("111111111111".to_owned(), "existing".to_owned());
    aws.roles.get_mut(&id).unwrap()
}

/// The first of the managed policies, by its ARN.
fn managed(aws: &State) -> String {
    aws.managed_policies.keys().next().unwrap().clone()
}

fn trusting(service: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"{condition}}}]}}"#
    )
}

fn detach(aws: &mut State, arn: &str) {
    role(aws).attached.retain(|attached| attached != arn);
}

differences! {
    the_role_is_described_otherwise: whole,
        |aws| role(aws).description.description = "?".to_owned(),
        shows ["role.description: ? -> Copies"],
        repaired by ["UpdateRole replication-acme-archive"];

    the_role_has_lost_its_description: whole,
        |aws| role(aws).description.description.clear(),
        shows ["role.description:  -> Copies"],
        repaired by ["UpdateRole replication-acme-archive"];

    the_role_has_a_boundary: whole,
        |aws| role(aws).description.permissions_boundary = Some(BOUNDARY.to_owned()),
        shows ["role.permissions_boundary: arn:aws:iam::111111111111:policy/Boundary -> null"],
        repaired by ["DeleteRolePermissionsBoundary replication-acme-archive"];

    the_role_has_another_boundary: with_boundary,
        |aws| role(aws).description.permissions_boundary = Some(format!("{BOUNDARY}Too")),
        shows [
            "role.permissions_boundary: arn:aws:iam::111111111111:policy/BoundaryToo -> arn:aws:iam::111111111111:policy/Boundary",
        ],
        repaired by ["PutRolePermissionsBoundary replication-acme-archive"];

    the_role_has_lost_its_boundary: with_boundary,
        |aws| role(aws).description.permissions_boundary = None,
        shows ["role.permissions_boundary: null -> arn:aws:iam::111111111111:policy/Boundary"],
        repaired by ["PutRolePermissionsBoundary replication-acme-archive"];

    the_role_trusts_somebody_else: whole,
        |aws| role(aws).description.trust_policy = trusting("ec2.amazonaws.com", ""),
        shows ["components.role: (trust policy changed)"],
        repaired by ["UpdateAssumeRolePolicy replication-acme-archive"];

    the_role_trusts_under_a_condition: whole,
        |aws| {
            let condition = r#","Condition":{"StringEquals":{"aws:SourceAccount":"333333333333"}}"#;
            role(aws).description.trust_policy = trusting("s3.amazonaws.com", condition);
        },
        shows ["components.role: (trust policy changed)"],
        repaired by ["UpdateAssumeRolePolicy replication-acme-archive"];

    the_role_trusts_one_more: whole,
        |aws| {
            let mut trust = statements(&role(aws).description.trust_policy);
            trust.statements.extend(statements(&trusting("batchoperations.s3.amazonaws.com", "")).statements);
            role(aws).description.trust_policy = trust.render().unwrap();
        },
        shows ["components.role: (trust policy changed)"],
        repaired by ["UpdateAssumeRolePolicy replication-acme-archive"];

    a_tag_of_the_role_is_changed: with_tags_of_the_role,
        |aws| drop(role(aws).description.tags.insert("kind".to_owned(), "other".to_owned())),
        shows ["role.tags.kind: other -> role", "role.tags_all.kind: other -> role"],
        repaired by ["TagRole replication-acme-archive"];

    a_tag_of_the_role_is_added: whole,
        |aws| drop(role(aws).description.tags.insert("by".to_owned(), "hand".to_owned())),
        shows ["role.tags: { by = hand } -> null", "role.tags_all.by: hand -> null"],
        repaired by ["UntagRole replication-acme-archive"];

    a_tag_of_the_role_is_removed: with_tags_of_the_role,
        |aws| drop(role(aws).description.tags.remove("kind")),
        shows ["role.tags.kind: null -> role", "role.tags_all.kind: null -> role"],
        repaired by ["TagRole replication-acme-archive"];

    an_inherited_tag_of_the_role_is_removed: whole,
        |aws| drop(role(aws).description.tags.remove("team")),
        shows ["role.tags_all.team: null -> archive"],
        repaired by ["TagRole replication-acme-archive"];

    the_grants_are_gone: whole,
        |aws| role(aws).policies.clear(),
        shows ["components.role/policy: (missing)"],
        repaired by ["PutRolePolicy replication-acme-archive"];

    a_grant_is_gone: whole,
        |aws| drop(inline(aws).statements.pop()),
        shows ["components.role/policy: (changed)"],
        repaired by ["PutRolePolicy replication-acme-archive"];

    a_grant_is_added: whole,
        |aws| {
            let anything = r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
            inline(aws).statements.extend(statements(anything).statements);
        },
        shows ["components.role/policy: (changed)"],
        repaired by ["PutRolePolicy replication-acme-archive"];

    a_grant_allows_less: whole,
        |aws| {
            let Some(Element::Is(actions)) = &mut inline(aws).statements[0].action else { panic!("no actions") };
            actions.pop();
        },
        shows ["components.role/policy: (changed)"],
        repaired by ["PutRolePolicy replication-acme-archive"];

    the_grants_in_an_existing_role_are_gone: with_an_existing_role,
        |aws| of_existing_role(aws).policies.clear(),
        shows ["components.role/policy: (missing)"],
        repaired by ["PutRolePolicy Existing"];

    the_grants_in_an_existing_role_are_changed: with_an_existing_role,
        |aws| drop(of_existing_role(aws).policies.values_mut().next().unwrap().statements.pop()),
        shows ["components.role/policy: (changed)"],
        repaired by ["PutRolePolicy Existing"];

    a_managed_policy_is_detached: many,
        |aws| {
            let arn = managed(aws);
            detach(aws, &arn);
        },
        shows ["components.role/policy/1: (not attached)"],
        repaired by ["AttachRolePolicy arn:aws:iam::111111111111:policy/replication-acme-archive-1"];

    a_managed_policy_is_gone: many,
        |aws| {
            let arn = managed(aws);
            detach(aws, &arn);
            aws.managed_policies.remove(&arn);
        },
        shows ["components.role/policy/1: (missing)"],
        repaired by [
            "AttachRolePolicy arn:aws:iam::111111111111:policy/replication-acme-archive-1",
            "CreatePolicy arn:aws:iam::111111111111:policy/replication-acme-archive-1",
        ];

    a_managed_policy_has_another_version: many,
        |aws| {
            let arn = managed(aws);
            let policy = aws.managed_policies.get_mut(&arn).unwrap();
            let document = PolicyDocument::new(policy.document().statements[..1].to_vec());
            policy.versions.push(("v2".to_owned(), document));
            policy.serial = 2;
        },
        shows ["components.role/policy/1: (changed)"],
        repaired by [
            "CreatePolicyVersion arn:aws:iam::111111111111:policy/replication-acme-archive-1",
            "DeletePolicyVersion arn:aws:iam::111111111111:policy/replication-acme-archive-1",
        ];

    a_managed_policy_has_a_tag: many,
        |aws| {
            let arn = managed(aws);
            let tags = &mut aws.managed_policies.get_mut(&arn).unwrap().tags;
            tags.insert("by".to_owned(), "hand".to_owned());
        },
        shows ["components.role/policy/1: (tags differ)"],
        repaired by ["UntagPolicy arn:aws:iam::111111111111:policy/replication-acme-archive-1"];

    the_inline_part_of_long_grants_is_gone: many,
        |aws| role(aws).policies.clear(),
        shows ["components.role/policy: (missing)"],
        repaired by ["PutRolePolicy replication-acme-archive"];

    the_role_is_gone: whole,
        |aws| aws.roles.retain(|(_, name), _| name == "existing"),
        shows [
            "components.destination/backup/bucket_policy: (statements name a role that is gone)",
            "components.destination/backup/key: (statements name a role that is gone)",
            "components.role: (missing)",
            "components.role/policy: (missing)",
            "role.unique_id: null -> (known after apply)",
        ],
        repaired by [
            "CreateRole replication-acme-archive",
            "PutBucketPolicy acme-archive-backup",
            "PutKeyPolicy <key of acme-archive-backup>",
            "PutRolePolicy replication-acme-archive",
        ];

    the_role_was_made_again_with_everything_in_it: whole,
        |aws| role(aws).description.unique_id = "AROAAGAIN".to_owned(),
        shows [
            "components.destination/backup/bucket_policy: (statements name a role that is gone)",
            "components.destination/backup/key: (statements name a role that is gone)",
        ],
        repaired by ["PutBucketPolicy acme-archive-backup", "PutKeyPolicy <key of acme-archive-backup>"];

    the_role_was_made_again_with_nothing_in_it: whole,
        |aws| {
            let role = role(aws);
            role.description.unique_id = "AROAAGAIN".to_owned();
            role.description.description.clear();
            role.description.tags.clear();
            role.policies.clear();
        },
        shows [
            "components.destination/backup/bucket_policy: (statements name a role that is gone)",
            "components.destination/backup/key: (statements name a role that is gone)",
            "components.role/policy: (missing)",
            "role.description:  -> Copies",
            "role.tags_all.team: null -> archive",
        ],
        repaired by [
            "PutBucketPolicy acme-archive-backup",
            "PutKeyPolicy <key of acme-archive-backup>",
            "PutRolePolicy replication-acme-archive",
            "TagRole replication-acme-archive",
            "UpdateRole replication-acme-archive",
        ];
}
