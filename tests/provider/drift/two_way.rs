//! The way back of a destination: its role, its rule, and the policies that let it in.

use super::configs::{BOUNDARY, two_way};
use super::{BACKUP, SOURCE, bucket, key, replication, role_back, without_statement};

differences! {
    the_role_back_is_described_otherwise: two_way,
        |aws| role_back(aws).description.description = "?".to_owned(),
        shows [
            "destinations.backup.two_way_role.description: ? -> S3 replication of bucket acme-archive-backup",
        ],
        repaired by ["UpdateRole replication-acme-archive-backup"];

    the_role_back_has_a_boundary: two_way,
        |aws| role_back(aws).description.permissions_boundary = Some(BOUNDARY.to_owned()),
        shows [
            "destinations.backup.two_way_role.permissions_boundary: arn:aws:iam::111111111111:policy/Boundary -> null",
        ],
        repaired by ["DeleteRolePermissionsBoundary replication-acme-archive-backup"];

    a_tag_of_the_role_back_is_added: two_way,
        |aws| drop(role_back(aws).description.tags.insert("by".to_owned(), "hand".to_owned())),
        shows [
            "destinations.backup.two_way_role.tags: { by = hand } -> null",
            "destinations.backup.two_way_role.tags_all.by: hand -> null",
        ],
        repaired by ["UntagRole replication-acme-archive-backup"];

    the_role_back_trusts_nobody: two_way,
        |aws| role_back(aws).description.trust_policy = r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(),
        shows ["components.destination/backup/role: (trust policy changed)"],
        repaired by ["UpdateAssumeRolePolicy replication-acme-archive-backup"];

    the_grants_of_the_way_back_are_gone: two_way,
        |aws| role_back(aws).policies.clear(),
        shows ["components.destination/backup/role/policy: (missing)"],
        repaired by ["PutRolePolicy replication-acme-archive-backup"];

    the_role_back_is_gone: two_way,
        |aws| aws.roles.retain(|(account, name), _| account == "111111111111" || name == "existing"),
        shows [
            "components.destination/backup/role: (missing)",
            "components.destination/backup/role/policy: (missing)",
            "components.source/bucket_policy: (statements name a role that is gone)",
            "components.source/key: (statements name a role that is gone)",
            "destinations.backup.two_way_role.unique_id: null -> (known after apply)",
        ],
        repaired by [
            "CreateRole replication-acme-archive-backup",
            "PutBucketPolicy acme-archive",
            "PutKeyPolicy <key of acme-archive>",
            "PutRolePolicy replication-acme-archive-backup",
        ];

    the_role_back_was_made_again: two_way,
        |aws| role_back(aws).description.unique_id = "AROAAGAIN".to_owned(),
        shows [
            "components.source/bucket_policy: (statements name a role that is gone)",
            "components.source/key: (statements name a role that is gone)",
        ],
        repaired by ["PutBucketPolicy acme-archive", "PutKeyPolicy <key of acme-archive>"];

    both_roles_were_made_again: two_way,
        |aws| {
            super::role(aws).description.unique_id = "AROAAGAIN".to_owned();
            role_back(aws).description.unique_id = "AROATOO".to_owned();
        },
        shows [
            "components.destination/backup/bucket_policy: (statements name a role that is gone)",
            "components.destination/backup/key: (statements name a role that is gone)",
            "components.source/bucket_policy: (statements name a role that is gone)",
            "components.source/key: (statements name a role that is gone)",
        ],
        repaired by [
            "PutBucketPolicy acme-archive",
            "PutBucketPolicy acme-archive-backup",
            "PutKeyPolicy <key of acme-archive-backup>",
            "PutKeyPolicy <key of acme-archive>",
        ];

    the_rule_back_is_paused: two_way,
        |aws| replication(aws, BACKUP).rules[0].enabled = false,
        shows ["components.destination/backup/replication: (rule changed: replicated-backup)"],
        repaired by ["PutBucketReplication acme-archive-backup"];

    the_rule_back_is_gone: two_way,
        |aws| bucket(aws, BACKUP).replication = None,
        shows ["components.destination/backup/replication: (missing)"],
        repaired by ["PutBucketReplication acme-archive-backup"];

    a_rule_back_is_added: two_way,
        |aws| {
            let mut theirs = replication(aws, BACKUP).rules[0].clone();
            theirs.id = "by-hand".to_owned();
            theirs.priority = Some(50);
            replication(aws, BACKUP).rules.push(theirs);
        },
        shows ["components.destination/backup/replication: (unknown rule: by-hand)"],
        repaired by ["PutBucketReplication acme-archive-backup"];

    the_source_does_not_let_the_role_back_in: two_way,
        |aws| without_statement(bucket(aws, SOURCE).policy.as_mut().unwrap(), "ReplicatedObjects"),
        shows ["components.source/bucket_policy: (statements changed)"],
        repaired by ["PutBucketPolicy acme-archive"];

    the_key_of_the_source_does_not_let_the_role_back_in: two_way,
        |aws| without_statement(&mut key(aws, SOURCE).policy, "ReplicatedReplicaKey"),
        shows ["components.source/key: (statements missing)"],
        repaired by ["PutKeyPolicy <key of acme-archive>"];
}
