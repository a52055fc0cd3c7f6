//! Policies of buckets and of keys: our statements, the user's, and those of others where none may stand.

use terraform_provider_replicated::replication::operation::Input;
use terraform_provider_replicated::replication::policy::{
    Effect, Element, PolicyDocument, Principals, Statement,
};

use super::configs::{whole, with_an_existing_key, with_exclusive_policies, with_policies};
use super::{BACKUP, SOURCE, bucket, key, statement, statements, without_statement};
use crate::configs::ABROAD;
use crate::fake::State;
use crate::random::existing_key;

/// What the Sids of our statements begin with.
const OBJECTS: &str = "ReplicatedObjects";
const BUCKET: &str = "ReplicatedBucket";
const TLS: &str = "ReplicatedRequireTls";
const KEY: &str = "ReplicatedReplicaKey";
const ROOT: &str = "EnableIAMUserPermissions";

fn policy<'a>(aws: &'a mut State, name: &str) -> &'a mut PolicyDocument {
    bucket(aws, name).policy.as_mut().unwrap()
}

fn ours(aws: &mut State) -> &mut Statement {
    statement(policy(aws, BACKUP), OBJECTS)
}

fn key_policy<'a>(aws: &'a mut State, name: &str) -> &'a mut PolicyDocument {
    &mut key(aws, name).policy
}

fn actions(statement: &mut Statement) -> &mut Vec<String> {
    let Some(Element::Is(actions)) = &mut statement.action else {
        panic!("no actions");
    };
    actions
}

fn whom(statement: &mut Statement, principal: &str) {
    let kinds = [("AWS".to_owned(), vec![principal.to_owned()])];
    statement.principal = Some(Element::Is(Principals::Of(kinds.into())));
}

fn only_from_office(statement: &mut Statement) {
    let office = [("aws:SourceIp".to_owned(), vec!["192.0.2.1".to_owned()])];
    statement
        .condition
        .insert("IpAddress".to_owned(), office.into());
}

/// A statement of somebody else's.
fn add_foreign(document: &mut PolicyDocument, action: &str, resource: &str) {
    let text = format!(
        r#"{{"Statement":{{"Sid":"Theirs","Effect":"Allow","Principal":{{"AWS":"333333333333"}},"Action":"{action}","Resource":"{resource}"}}}}"#
    );
    document.statements.extend(statements(&text).statements);
}

differences! {
    the_policy_of_the_destination_is_gone: whole,
        |aws| bucket(aws, BACKUP).policy = None,
        shows ["components.destination/backup/bucket_policy: (statements missing)"],
        repaired by ["PutBucketPolicy acme-archive-backup"];

    our_statement_about_objects_is_gone: whole,
        |aws| without_statement(policy(aws, BACKUP), OBJECTS),
        shows ["components.destination/backup/bucket_policy: (statements changed)"],
        repaired by ["PutBucketPolicy acme-archive-backup"];

    our_statement_about_the_bucket_is_gone: whole,
        |aws| without_statement(policy(aws, BACKUP), BUCKET),
        shows ["components.destination/backup/bucket_policy: (statements changed)"],
        repaired by ["PutBucketPolicy acme-archive-backup"];

    our_statement_allows_less: whole,
        |aws| drop(actions(ours(aws)).pop()),
        shows ["components.destination/backup/bucket_policy: (statements changed)"],
        repaired by ["PutBucketPolicy acme-archive-backup"];

    our_statement_allows_more: whole,
        |aws| actions(ours(aws)).push("s3:DeleteObject".to_owned()),
        shows ["components.destination/backup/bucket_policy: (statements changed)"],
        repaired by ["PutBucketPolicy acme-archive-backup"];

    our_statement_is_about_fewer_objects: whole,
        |aws| {
            let some = "arn:aws:s3:::acme-archive-backup/data/*".to_owned();
            ours(aws).resource = Some(Element::Is(vec![Input::Known(some)]));
        },
        shows ["components.destination/backup/bucket_policy: (statements changed)"],
        repaired by ["PutBucketPolicy acme-archive-backup"];

    our_statement_lets_somebody_else_in: whole,
        |aws| whom(ours(aws), "333333333333"),
        shows ["components.destination/backup/bucket_policy: (statements changed)"],
        repaired by ["PutBucketPolicy acme-archive-backup"];

    our_statement_lets_everybody_in: whole,
        |aws| ours(aws).principal = Some(Element::Is(Principals::Everyone)),
        shows ["components.destination/backup/bucket_policy: (statements changed)"],
        repaired by ["PutBucketPolicy acme-archive-backup"];

    our_statement_has_a_condition: whole,
        |aws| only_from_office(ours(aws)),
        shows ["components.destination/backup/bucket_policy: (statements changed)"],
        repaired by ["PutBucketPolicy acme-archive-backup"];

    our_statement_denies: whole,
        |aws| ours(aws).effect = Effect::Deny,
        shows ["components.destination/backup/bucket_policy: (statements changed)"],
        repaired by ["PutBucketPolicy acme-archive-backup"];

    plain_http_is_not_denied_at_the_source: with_policies,
        |aws| without_statement(policy(aws, SOURCE), TLS),
        shows ["components.source/bucket_policy: (statements missing)", "source.require_tls: false -> true"],
        repaired by ["PutBucketPolicy acme-archive"];

    plain_http_is_not_denied_at_the_destination: with_policies,
        |aws| without_statement(policy(aws, BACKUP), TLS),
        shows [
            "components.destination/backup/bucket_policy: (statements changed)",
            "destinations.backup.require_tls: false -> true",
        ],
        repaired by ["PutBucketPolicy acme-archive-backup"];

    plain_http_is_denied_to_fewer: with_policies,
        |aws| whom(statement(policy(aws, BACKUP), TLS), "333333333333"),
        shows ["components.destination/backup/bucket_policy: (statements changed)"],
        repaired by ["PutBucketPolicy acme-archive-backup"];

    the_policy_of_the_source_is_gone: with_policies,
        |aws| bucket(aws, SOURCE).policy = None,
        shows [
            "components.source/bucket_policy: (statements missing)",
            "source.policy: null -> <Read, List>",
            "source.require_tls: false -> true",
        ],
        repaired by ["PutBucketPolicy acme-archive"];

    everything_in_the_policy_of_the_destination_is_gone: with_policies,
        |aws| bucket(aws, BACKUP).policy = None,
        shows [
            "components.destination/backup/bucket_policy: (statements missing)",
            "destinations.backup.policy: null -> <Read, List>",
            "destinations.backup.require_tls: false -> true",
        ],
        repaired by ["PutBucketPolicy acme-archive-backup"];

    a_statement_of_the_users_is_gone: with_policies,
        |aws| without_statement(policy(aws, BACKUP), "Read"),
        shows ["destinations.backup.policy: <List> -> <Read, List>"],
        repaired by ["PutBucketPolicy acme-archive-backup"];

    a_statement_of_the_users_is_changed: with_policies,
        |aws| statement(policy(aws, SOURCE), "Read").effect = Effect::Deny,
        shows ["source.policy: <Read, List> -> <Read, List>"],
        repaired by ["PutBucketPolicy acme-archive"];

    all_statements_of_the_users_are_gone: with_policies,
        |aws| {
            without_statement(policy(aws, BACKUP), "Read");
            without_statement(policy(aws, BACKUP), "List");
        },
        shows ["destinations.backup.policy: null -> <Read, List>"],
        repaired by ["PutBucketPolicy acme-archive-backup"];

    somebody_else_writes_into_an_exclusive_policy: with_exclusive_policies,
        |aws| add_foreign(policy(aws, BACKUP), "s3:GetObject", "arn:aws:s3:::acme-archive-backup/*"),
        shows ["components.destination/backup/bucket_policy: (foreign statements: Theirs)"],
        repaired by ["PutBucketPolicy acme-archive-backup"];

    somebody_else_writes_into_an_exclusive_policy_of_the_source: with_exclusive_policies,
        |aws| add_foreign(policy(aws, SOURCE), "s3:GetObject", "arn:aws:s3:::acme-archive/*"),
        shows ["components.source/bucket_policy: (foreign statements: Theirs)"],
        repaired by ["PutBucketPolicy acme-archive"];

    somebody_else_writes_into_an_exclusive_policy_of_a_key: with_exclusive_policies,
        |aws| add_foreign(key_policy(aws, BACKUP), "kms:Decrypt", "*"),
        shows ["components.destination/backup/key: (foreign statements: Theirs)"],
        repaired by ["PutKeyPolicy <key of acme-archive-backup>"];

    our_statement_in_a_key_is_gone: whole,
        |aws| without_statement(key_policy(aws, BACKUP), KEY),
        shows ["components.destination/backup/key: (statements missing)"],
        repaired by ["PutKeyPolicy <key of acme-archive-backup>"];

    our_statement_in_a_key_allows_less: whole,
        |aws| drop(actions(statement(key_policy(aws, BACKUP), KEY)).pop()),
        shows ["components.destination/backup/key: (statements changed)"],
        repaired by ["PutKeyPolicy <key of acme-archive-backup>"];

    our_statement_in_a_key_has_other_conditions: whole,
        |aws| statement(key_policy(aws, BACKUP), KEY).condition.clear(),
        shows ["components.destination/backup/key: (statements changed)"],
        repaired by ["PutKeyPolicy <key of acme-archive-backup>"];

    the_account_has_lost_its_own_key: whole,
        |aws| without_statement(key_policy(aws, SOURCE), ROOT),
        shows ["components.source/key: (the account's own statement missing)"],
        repaired by ["PutKeyPolicy <key of acme-archive>"];

    a_key_is_for_one_administrator_alone: whole,
        |aws| whom(statement(key_policy(aws, SOURCE), ROOT), "AROAEXISTING111111111111"),
        shows ["components.source/key: (the account's own statement missing)"],
        repaired by ["PutKeyPolicy <key of acme-archive>"];

    a_statement_of_the_users_in_a_key_is_gone: with_policies,
        |aws| without_statement(key_policy(aws, SOURCE), "Look"),
        shows ["source.encryption.key.policy: null -> <Look>"],
        repaired by ["PutKeyPolicy <key of acme-archive>"];

    a_statement_of_the_users_in_a_key_is_changed: with_policies,
        |aws| actions(statement(key_policy(aws, BACKUP), "Look")).push("kms:Decrypt".to_owned()),
        shows ["destinations.backup.encryption.key.policy: <Look> -> <Look>"],
        repaired by ["PutKeyPolicy <key of acme-archive-backup>"];

    our_statement_in_an_existing_key_is_gone: with_an_existing_key,
        |aws| {
            let arn = existing_key((ABROAD, "us-west-2"), 0);
            without_statement(&mut aws.keys.get_mut(&arn).unwrap().policy, KEY);
        },
        shows ["components.destination/backup/key: (statements missing)"],
        repaired by [
            "PutKeyPolicy arn:aws:kms:us-west-2:222222222222:key/00000000-0000-4000-8000-000000000000",
        ];
}
