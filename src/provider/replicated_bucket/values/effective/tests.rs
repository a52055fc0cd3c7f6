//! What is left out, worked out.

use super::*;
use crate::provider::replicated_bucket::model::EncryptionModel;

fn config(destinations: &[(&str, SideModel)]) -> BucketModel {
    BucketModel {
        source: Known(SourceModel(SideModel {
            bucket: Known("acme-archive".to_owned()),
            encryption: Known(EncryptionModel {
                sse_algorithm: Known("aws:kms".to_owned()),
                ..EncryptionModel::default()
            }),
            ..SideModel::default()
        })),
        destinations: Known(
            destinations
                .iter()
                .map(|(key, side)| ((*key).to_owned(), Known(side.clone())))
                .collect(),
        ),
        ..BucketModel::default()
    }
}

fn ground<'a>(prior: Option<&'a BucketModel>, accounts: &'a BTreeMap<Side, String>) -> Ground<'a> {
    Ground {
        prior,
        kept: None,
        region: Known("eu-west-1".to_owned()),
        accounts,
        own_encryption: &NONE,
        found: None,
        drawn: None,
    }
}

static NONE: std::collections::BTreeSet<String> = std::collections::BTreeSet::new();

fn destination<'a>(model: &'a BucketModel, key: &str) -> &'a SideModel {
    model.side(&Side::Destination(key.to_owned())).unwrap()
}

#[test]
fn a_destination_follows_the_sources_algorithm_and_gets_its_own_names() {
    let accounts = BTreeMap::new();
    let model = effective(
        &config(&[("backup", SideModel::default())]),
        &ground(None, &accounts),
    );
    let backup = destination(&model, "backup");
    assert_eq!(backup.bucket, Known("acme-archive-backup".to_owned()));
    let encryption = backup.encryption.known().unwrap();
    assert_eq!(encryption.sse_algorithm, Known("aws:kms".to_owned()));
    assert_eq!(encryption.bucket_key_enabled, Known(true));
    let key = encryption.key.known().unwrap();
    assert_eq!(key.alias, Known("alias/acme-archive-backup".to_owned()));
    assert_eq!(
        model.role.known().unwrap().name,
        Known("replication-acme-archive".to_owned())
    );
}

#[test]
fn a_destination_that_comes_renumbers_no_other() {
    let accounts = BTreeMap::new();
    let two = [("b", SideModel::default()), ("c", SideModel::default())];
    let prior = effective(&config(&two), &ground(None, &accounts));
    assert_eq!(destination(&prior, "b").priority, Known(0));
    let three = [
        ("a", SideModel::default()),
        ("b", SideModel::default()),
        ("c", SideModel::default()),
    ];
    let model = effective(&config(&three), &ground(Some(&prior), &accounts));
    assert_eq!(destination(&model, "a").priority, Known(2));
    assert_eq!(destination(&model, "b").priority, Known(0));
    assert_eq!(destination(&model, "c").priority, Known(1));
}

#[test]
fn the_region_in_state_outlives_a_change_of_the_providers() {
    let accounts = BTreeMap::new();
    let written = config(&[("backup", SideModel::default())]);
    let prior = effective(&written, &ground(None, &accounts));
    let elsewhere = Ground {
        region: Known("us-west-2".to_owned()),
        ..ground(Some(&prior), &accounts)
    };
    let model = effective(&written, &elsewhere);
    assert_eq!(
        model.source.known().unwrap().region,
        Known("eu-west-1".to_owned())
    );
}

#[test]
fn what_follows_from_an_unknown_name_is_unknown() {
    let accounts = BTreeMap::new();
    let mut written = config(&[("backup", SideModel::default())]);
    if let Known(source) = &mut written.source {
        source.bucket = Unknown;
    }
    let model = effective(&written, &ground(None, &accounts));
    assert!(destination(&model, "backup").bucket.is_unknown());
    assert!(model.role.known().unwrap().name.is_unknown());
}

#[test]
fn an_existing_role_gives_its_name_and_path() {
    let accounts = BTreeMap::new();
    let mut written = config(&[("backup", SideModel::default())]);
    written.role = Known(RoleModel {
        existing_arn: Known("arn:aws:iam::111111111111:role/service-role/r".to_owned()),
        ..RoleModel::default()
    });
    let model = effective(&written, &ground(None, &accounts));
    let role = model.role.known().unwrap();
    assert_eq!(role.path, Known("/service-role/".to_owned()));
    assert_eq!(role.name, Known("r".to_owned()));
}

#[test]
fn a_number_that_is_written_elsewhere_is_given_up() {
    let accounts = BTreeMap::new();
    let prioritised = |priority| SideModel {
        priority,
        ..SideModel::default()
    };
    let first = [("a", SideModel::default()), ("b", SideModel::default())];
    let prior = effective(&config(&first), &ground(None, &accounts));
    let second = [("a", SideModel::default()), ("b", prioritised(Known(0)))];
    let model = effective(&config(&second), &ground(Some(&prior), &accounts));
    assert_eq!(destination(&model, "a").priority, Known(1));
    assert_eq!(destination(&model, "b").priority, Known(0));
    let third = [("a", SideModel::default()), ("b", prioritised(Unknown))];
    let model = effective(&config(&third), &ground(Some(&prior), &accounts));
    assert_eq!(destination(&model, "a").priority, Unknown);
}
