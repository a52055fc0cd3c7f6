//! The identity policy of the replication role: what S3 may do on its behalf.
//!
//! [`role_policy`] writes the least that replication needs, statement by statement as the fact sheet's table
//! of permissions has it. Destinations that need the same actions share a statement, because all inline
//! policies of a role share 10,240 characters.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{PolicyDocument, Statement};
use crate::replication::ids::{BucketName, Partition, Region};
use crate::replication::operation::Input;

/// Everything that decides what the replication role needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleGrants {
    /// The partition of every ARN; replication never crosses it.
    pub partition: Partition,
    /// The bucket that is read.
    pub source: SourceGrant,
    /// The buckets that are written.
    pub destinations: Vec<DestinationGrant>,
}

/// What is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceGrant {
    /// The source bucket.
    pub bucket: BucketName,
    /// Its region, which is also that of its keys.
    pub region: Region,
    /// ARNs of the keys that objects may be encrypted under: the one in use, additional and retired ones.
    pub keys: Vec<Input<String>>,
    /// Whether the bucket has Object Lock.
    pub object_lock: bool,
}

/// What is written at one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationGrant {
    /// The destination's key in `destinations`; it goes into Sids.
    pub key: String,
    /// The destination bucket.
    pub bucket: BucketName,
    /// Its region, which is also that of its keys.
    pub region: Region,
    /// ARNs of the keys that rules encrypt replicas under; none without KMS.
    pub replica_keys: Vec<Input<String>>,
    /// ARNs of the bucket's default key, where source objects without KMS encryption meet it.
    pub plain_object_keys: Vec<Input<String>>,
    /// Whether replicas may use an S3 Bucket Key: it is on at the destination *or at the source*, because the
    /// setting of a source object carries over to its replica.
    pub bucket_key_enabled: bool,
    /// Whether any rule to this destination replicates delete markers.
    pub delete_markers: bool,
    /// Whether any rule to this destination gives replicas to the destination's owner.
    pub owner_override: bool,
}

/// The role's policy. Equal grants give equal documents, whatever the order of destinations and keys.
pub fn role_policy(grants: &RoleGrants) -> PolicyDocument {
    let RoleGrants {
        partition,
        source,
        destinations,
    } = grants;
    let mut statements = vec![
        read_source_bucket(source, partition),
        read_source_objects(source, partition),
    ];
    statements.extend(decrypt_source_objects(source, partition));
    statements.extend(write_replicas(destinations, partition));
    statements.extend(encrypt_replicas(destinations, partition));
    PolicyDocument::new(statements)
}

/// What a role may do at destinations, without the reading of the source.
pub(super) fn replicas_policy(grants: &RoleGrants) -> PolicyDocument {
    let (destinations, partition) = (&grants.destinations, &grants.partition);
    let mut statements = write_replicas(destinations, partition);
    statements.extend(encrypt_replicas(destinations, partition));
    PolicyDocument::new(statements)
}

/// S3 reads the rules, and lists the bucket to tell a missing object from a hidden one.
fn read_source_bucket(source: &SourceGrant, partition: &Partition) -> Statement {
    Statement::allow("ReadSourceBucket")
        .actions(&["s3:GetReplicationConfiguration", "s3:ListBucket"])
        .resource(source.bucket.arn(partition))
}

/// The version-specific actions made for replication: `s3:GetObjectVersion` would do for unencrypted objects
/// only. Tags are always read, because a tagged object whose tags cannot be read ends as failed.
fn read_source_objects(source: &SourceGrant, partition: &Partition) -> Statement {
    let mut actions = vec![
        "s3:GetObjectVersionForReplication",
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionTagging",
    ];
    if source.object_lock {
        actions.extend(["s3:GetObjectRetention", "s3:GetObjectLegalHold"]);
    }
    Statement::allow("ReadSourceObjects")
        .actions(&actions)
        .resource(objects_arn(&source.bucket, partition))
}

fn decrypt_source_objects(source: &SourceGrant, partition: &Partition) -> Option<Statement> {
    let keys: BTreeSet<_> = source.keys.iter().cloned().collect();
    let statement = Statement::allow("DecryptSourceObjects")
        .actions(SOURCE_KEY_ACTIONS)
        .on(keys.iter().cloned());
    let used_by = for_objects_of(statement, &source.region, [&source.bucket], partition);
    (!keys.is_empty()).then_some(used_by)
}

/// One statement for each set of actions, at most four.
fn write_replicas(destinations: &[DestinationGrant], partition: &Partition) -> Vec<Statement> {
    let mut by_needs: BTreeMap<(bool, bool), BTreeSet<&BucketName>> = BTreeMap::new();
    for destination in destinations {
        by_needs
            .entry((destination.delete_markers, destination.owner_override))
            .or_default()
            .insert(&destination.bucket);
    }
    by_needs
        .into_iter()
        .map(|((delete_markers, owner_override), buckets)| {
            let mut sid = "WriteReplicas".to_owned();
            if delete_markers {
                sid.push_str("AndDeleteMarkers");
            }
            if owner_override {
                sid.push_str("AndOwner");
            }
            let objects = buckets.iter().map(|b| objects_arn(b, partition));
            Statement::allow(sid)
                .actions(&replica_actions(delete_markers, owner_override))
                .on(objects.map(Input::Known))
        })
        .collect()
}

/// One statement for each region and set of actions: `kms:ViaService` names the region.
fn encrypt_replicas(destinations: &[DestinationGrant], partition: &Partition) -> Vec<Statement> {
    type Group<'a> = (BTreeSet<&'a Input<String>>, BTreeSet<&'a BucketName>);
    let mut by_needs: BTreeMap<(&Region, Vec<&str>), Group<'_>> = BTreeMap::new();
    for destination in destinations {
        let keys = destination.replica_keys.iter();
        for key in keys.chain(&destination.plain_object_keys) {
            let (keys, buckets) = by_needs
                .entry((&destination.region, encrypt_actions(destination, key)))
                .or_default();
            keys.insert(key);
            buckets.insert(&destination.bucket);
        }
    }
    by_needs
        .into_iter()
        .map(|((region, actions), (keys, buckets))| {
            let statement = Statement::allow(encrypt_sid(region, &actions))
                .actions(&actions)
                .on(keys.into_iter().cloned());
            for_objects_of(statement, region, buckets, partition)
        })
        .collect()
}

/// Names the statement by what sets it apart, so that it keeps its name when others come and go.
fn encrypt_sid(region: &Region, actions: &[&str]) -> String {
    let region: String = region.as_str().split('-').map(capitalized).collect();
    let purpose = match actions {
        ["kms:Encrypt"] => "EncryptReplicas",
        ["kms:Encrypt", "kms:GenerateDataKey"] => "EncryptReplicasAndDataKeys",
        ["kms:Encrypt", ..] => "EncryptReplicasAndBucketKeys",
        ["kms:GenerateDataKey"] => "EncryptPlainReplicas",
        _ => "EncryptPlainReplicasAndBucketKeys",
    };
    format!("{purpose}In{region}")
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase())
        .into_iter()
        .chain(letters)
        .collect()
}

/// What S3 does with the key of an object that it reads.
pub(super) const SOURCE_KEY_ACTIONS: &[&str] = &["kms:Decrypt"];

/// What S3 does on replicas. `s3:ReplicateObject` covers tags unless `s3:ReplicateTags` is denied; both are
/// granted, so that the grant says what happens.
pub(super) fn replica_actions(delete_markers: bool, owner_override: bool) -> Vec<&'static str> {
    let mut actions = vec!["s3:ReplicateObject", "s3:ReplicateTags"];
    if delete_markers {
        actions.push("s3:ReplicateDelete");
    }
    if owner_override {
        actions.push("s3:ObjectOwnerOverrideToBucketOwner");
    }
    actions
}

/// What S3 does with a replica's key.
///
/// From one KMS key to another `kms:Encrypt` is enough, as live tests without bucket keys showed. A data key
/// is generated where there is none to encrypt again: for a plain object under a KMS default, and for the
/// bucket key itself. `kms:Decrypt` checks the integrity of an existing bucket key.
fn encrypt_actions(destination: &DestinationGrant, key: &Input<String>) -> Vec<&'static str> {
    let mut actions = Vec::new();
    if destination.replica_keys.contains(key) {
        actions.push("kms:Encrypt");
    }
    if destination.plain_object_keys.contains(key) || destination.bucket_key_enabled {
        actions.push("kms:GenerateDataKey");
    }
    if destination.bucket_key_enabled {
        actions.push("kms:Decrypt");
    }
    actions
}

/// Narrows a grant on keys to what S3 does for these buckets' objects.
///
/// The encryption context is the bucket's ARN with a bucket key and the object's without. Which one applies
/// is decided object by object, so both are always listed.
pub(super) fn for_objects_of<'a>(
    statement: Statement,
    region: &Region,
    buckets: impl IntoIterator<Item = &'a BucketName>,
    partition: &Partition,
) -> Statement {
    let service = format!("s3.{region}.{}", partition.dns_suffix());
    let contexts = buckets
        .into_iter()
        .flat_map(|bucket| [bucket.arn(partition), objects_arn(bucket, partition)]);
    statement
        .when("StringEquals", "kms:ViaService", [service])
        .when("StringLike", "kms:EncryptionContext:aws:s3:arn", contexts)
}

/// The ARN of all objects of a bucket.
pub(super) fn objects_arn(bucket: &BucketName, partition: &Partition) -> String {
    format!("{}/*", bucket.arn(partition))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::component::{ComponentId, Part, Side};
    use crate::replication::policy::{PolicyKind, check_size};

    fn destination(key: &str, region: &str) -> DestinationGrant {
        DestinationGrant {
            key: key.to_owned(),
            bucket: BucketName::parse(&format!("acme-archive-{key}")).unwrap(),
            region: Region::parse(region).unwrap(),
            replica_keys: vec![],
            plain_object_keys: vec![],
            bucket_key_enabled: false,
            delete_markers: false,
            owner_override: false,
        }
    }

    fn encrypted(key: &str, region: &str) -> DestinationGrant {
        let arn = format!("arn:aws:kms:{region}:222222222222:key/{key}");
        DestinationGrant {
            replica_keys: vec![Input::Known(arn)],
            bucket_key_enabled: true,
            ..destination(key, region)
        }
    }

    fn grants(region: &str, destinations: Vec<DestinationGrant>) -> RoleGrants {
        let region = Region::parse(region).unwrap();
        RoleGrants {
            partition: region.partition(),
            source: SourceGrant {
                bucket: BucketName::parse("acme-archive").unwrap(),
                region,
                keys: vec![],
                object_lock: false,
            },
            destinations,
        }
    }

    /// One statement on each line.
    fn lines(document: &PolicyDocument) -> String {
        let text = document.render().unwrap();
        text.replace("[{\"Sid\"", "[\n{\"Sid\"")
            .replace("},{\"Sid\"", "},\n{\"Sid\"")
    }

    #[test]
    fn without_kms_the_role_reads_the_source_and_writes_replicas() {
        let grants = grants("eu-west-1", vec![destination("backup", "us-west-2")]);
        insta::assert_snapshot!(lines(&role_policy(&grants)), @r#"
        {"Version":"2012-10-17","Statement":[
        {"Sid":"ReadSourceBucket","Effect":"Allow","Action":["s3:GetReplicationConfiguration","s3:ListBucket"],"Resource":"arn:aws:s3:::acme-archive"},
        {"Sid":"ReadSourceObjects","Effect":"Allow","Action":["s3:GetObjectVersionForReplication","s3:GetObjectVersionAcl","s3:GetObjectVersionTagging"],"Resource":"arn:aws:s3:::acme-archive/*"},
        {"Sid":"WriteReplicas","Effect":"Allow","Action":["s3:ReplicateObject","s3:ReplicateTags"],"Resource":"arn:aws:s3:::acme-archive-backup/*"}]}
        "#);
    }

    #[test]
    fn destinations_share_statements_by_region_and_by_what_they_need() {
        let mut grants = grants(
            "eu-west-1",
            vec![
                encrypted("west", "us-west-2"),
                encrypted("other", "us-west-2"),
                DestinationGrant {
                    bucket_key_enabled: false,
                    delete_markers: true,
                    ..encrypted("dsse", "us-west-2")
                },
                DestinationGrant {
                    bucket_key_enabled: false,
                    plain_object_keys: encrypted("plain", "eu-central-1").replica_keys,
                    owner_override: true,
                    ..encrypted("plain", "eu-central-1")
                },
                DestinationGrant {
                    delete_markers: true,
                    owner_override: true,
                    ..destination("unencrypted", "eu-central-1")
                },
            ],
        );
        grants.source.object_lock = true;
        grants.source.keys = ["in-use", "retired"]
            .map(|id| Input::Known(format!("arn:aws:kms:eu-west-1:111111111111:key/{id}")))
            .into();
        insta::assert_snapshot!(lines(&role_policy(&grants)), @r#"
        {"Version":"2012-10-17","Statement":[
        {"Sid":"ReadSourceBucket","Effect":"Allow","Action":["s3:GetReplicationConfiguration","s3:ListBucket"],"Resource":"arn:aws:s3:::acme-archive"},
        {"Sid":"ReadSourceObjects","Effect":"Allow","Action":["s3:GetObjectVersionForReplication","s3:GetObjectVersionAcl","s3:GetObjectVersionTagging","s3:GetObjectRetention","s3:GetObjectLegalHold"],"Resource":"arn:aws:s3:::acme-archive/*"},
        {"Sid":"DecryptSourceObjects","Effect":"Allow","Action":"kms:Decrypt","Resource":["arn:aws:kms:eu-west-1:111111111111:key/in-use","arn:aws:kms:eu-west-1:111111111111:key/retired"],"Condition":{"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com"},"StringLike":{"kms:EncryptionContext:aws:s3:arn":["arn:aws:s3:::acme-archive","arn:aws:s3:::acme-archive/*"]}}},
        {"Sid":"WriteReplicas","Effect":"Allow","Action":["s3:ReplicateObject","s3:ReplicateTags"],"Resource":["arn:aws:s3:::acme-archive-other/*","arn:aws:s3:::acme-archive-west/*"]},
        {"Sid":"WriteReplicasAndOwner","Effect":"Allow","Action":["s3:ReplicateObject","s3:ReplicateTags","s3:ObjectOwnerOverrideToBucketOwner"],"Resource":"arn:aws:s3:::acme-archive-plain/*"},
        {"Sid":"WriteReplicasAndDeleteMarkers","Effect":"Allow","Action":["s3:ReplicateObject","s3:ReplicateTags","s3:ReplicateDelete"],"Resource":"arn:aws:s3:::acme-archive-dsse/*"},
        {"Sid":"WriteReplicasAndDeleteMarkersAndOwner","Effect":"Allow","Action":["s3:ReplicateObject","s3:ReplicateTags","s3:ReplicateDelete","s3:ObjectOwnerOverrideToBucketOwner"],"Resource":"arn:aws:s3:::acme-archive-unencrypted/*"},
        {"Sid":"EncryptReplicasAndDataKeysInEuCentral1","Effect":"Allow","Action":["kms:Encrypt","kms:GenerateDataKey"],"Resource":"arn:aws:kms:eu-central-1:222222222222:key/plain","Condition":{"StringEquals":{"kms:ViaService":"s3.eu-central-1.amazonaws.com"},"StringLike":{"kms:EncryptionContext:aws:s3:arn":["arn:aws:s3:::acme-archive-plain","arn:aws:s3:::acme-archive-plain/*"]}}},
        {"Sid":"EncryptReplicasInUsWest2","Effect":"Allow","Action":"kms:Encrypt","Resource":"arn:aws:kms:us-west-2:222222222222:key/dsse","Condition":{"StringEquals":{"kms:ViaService":"s3.us-west-2.amazonaws.com"},"StringLike":{"kms:EncryptionContext:aws:s3:arn":["arn:aws:s3:::acme-archive-dsse","arn:aws:s3:::acme-archive-dsse/*"]}}},
        {"Sid":"EncryptReplicasAndBucketKeysInUsWest2","Effect":"Allow","Action":["kms:Encrypt","kms:GenerateDataKey","kms:Decrypt"],"Resource":["arn:aws:kms:us-west-2:222222222222:key/other","arn:aws:kms:us-west-2:222222222222:key/west"],"Condition":{"StringEquals":{"kms:ViaService":"s3.us-west-2.amazonaws.com"},"StringLike":{"kms:EncryptionContext:aws:s3:arn":["arn:aws:s3:::acme-archive-other","arn:aws:s3:::acme-archive-other/*","arn:aws:s3:::acme-archive-west","arn:aws:s3:::acme-archive-west/*"]}}}]}
        "#);
    }

    #[test]
    fn another_partition_has_its_own_arns_and_service_names() {
        let mut destination = encrypted("backup", "cn-northwest-1");
        destination.replica_keys =
            vec![Input::Known("arn:aws-cn:kms:cn-northwest-1:2:key/a".into())];
        let text = lines(&role_policy(&grants("cn-north-1", vec![destination])));
        assert!(!text.contains("arn:aws:"), "{text}");
        assert!(
            text.contains("\"s3.cn-northwest-1.amazonaws.com.cn\""),
            "{text}"
        );
    }

    #[test]
    fn the_order_of_destinations_and_keys_does_not_matter_and_doubles_count_once() {
        let mut grants = grants(
            "eu-west-1",
            vec![
                encrypted("a", "us-west-2"),
                encrypted("b", "us-west-2"),
                destination("c", "eu-west-1"),
            ],
        );
        grants.source.keys = ["x", "y"].map(|key| Input::Known(key.to_owned())).into();
        let expected = role_policy(&grants);
        grants.destinations.reverse();
        grants.source.keys.reverse();
        grants.source.keys.push(Input::Known("x".into()));
        assert_eq!(role_policy(&grants), expected);
    }

    #[test]
    fn a_key_still_to_be_made_is_named_until_it_is_there() {
        let key = ComponentId::Of(Side::Source, Part::Key);
        let mut grants = grants("eu-west-1", vec![destination("backup", "us-west-2")]);
        grants.source.keys = vec![Input::OutputOf(key.clone())];
        let document = role_policy(&grants);
        assert!(document.render().is_err());
        let arn = "arn:aws:kms:eu-west-1:111111111111:key/a";
        let resolved = document.resolve(&|id| (*id == key).then(|| arn.to_owned()));
        grants.source.keys = vec![Input::Known(arn.to_owned())];
        assert_eq!(resolved, role_policy(&grants));
    }

    #[test]
    fn forty_encrypted_destinations_fit_into_one_role() {
        let destinations = (0..40).map(|n| encrypted(&format!("copy-{n}"), "us-west-2"));
        let document = role_policy(&grants("eu-west-1", destinations.collect()));
        assert_eq!(
            check_size(PolicyKind::RoleInline, &document.render().unwrap()),
            Ok(())
        );
    }
}
