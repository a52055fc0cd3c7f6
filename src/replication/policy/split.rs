//! The role's policy in several documents, where one would be too long.
//!
//! All inline policies of a role share 10,240 characters. Where the whole policy is longer, the inline document
//! keeps what is read and as many destinations as fit, and the rest goes to managed policies of 6,144 each.
//!
//! A destination stands in one document only, and documents are filled one after the other in an order that never
//! changes, with costs that depend on nothing but the destination. So when destinations come, or need more, the
//! others only move to later documents, and when destinations go, only to earlier ones. Whoever writes the documents
//! from the last to the first while they grow, and from the first to the last while they shrink, never takes a
//! grant away before it stands elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::document::PolicyDocument;
use super::limits::{ATTACHED_POLICIES, PolicyKind, TooManyDestinations, size};
use super::replication_role::{DestinationGrant, RoleGrants, replicas_policy, role_policy};
use crate::replication::ids::Region;
use crate::replication::operation::Input;

/// An upper bound of what statements that write replicas take without their resources: there are four kinds.
const WRITE_STATEMENTS: usize = 4 * 190;
/// An upper bound of what statements that encrypt replicas in one region take without their lists: there are three
/// kinds for replicas of encrypted objects, and two more where plain objects meet a key.
const ENCRYPT_STATEMENTS: (usize, usize) = (3 * 330, 5 * 330);

/// The role's policy: the inline document first, then those for managed policies.
pub fn role_policies(grants: &RoleGrants) -> Result<Vec<PolicyDocument>, TooManyDestinations> {
    let length = |grants: &RoleGrants| {
        let document = role_policy(&with_keys_of_full_length(grants));
        size(PolicyKind::RoleInline, &document.to_string())
    };
    if length(grants) <= PolicyKind::RoleInline.limit() {
        return Ok(vec![role_policy(grants)]);
    }
    let mut destinations: Vec<&DestinationGrant> = grants.destinations.iter().collect();
    destinations.sort_by_key(|d| (&d.region, &d.bucket));
    let source = RoleGrants {
        destinations: Vec::new(),
        ..grants.clone()
    };
    let mut encrypted: BTreeMap<&Region, usize> = BTreeMap::new();
    for destination in &destinations {
        let (some, all) = ENCRYPT_STATEMENTS;
        let takes = match (
            &destination.replica_keys[..],
            &destination.plain_object_keys[..],
        ) {
            ([], []) => 0,
            (_, []) => some,
            _ => all,
        };
        let most = encrypted.entry(&destination.region).or_default();
        *most = takes.max(*most);
    }
    let mut parts: Vec<Vec<DestinationGrant>> = vec![Vec::new()];
    let mut free = PolicyKind::RoleInline
        .limit()
        .checked_sub(length(&source) + WRITE_STATEMENTS)
        .ok_or(TooManyDestinations)?;
    for destination in destinations {
        let region = &destination.region;
        let header = |part: &[DestinationGrant]| {
            let starts = part.iter().all(|other| other.region != *region);
            let takes = encrypted.get(region).filter(|_| starts);
            takes.copied().unwrap_or_default()
        };
        let cost = cost(destination, grants);
        let part = parts.last().map_or(&[][..], Vec::as_slice);
        match free.checked_sub(cost + header(part)) {
            Some(rest) => free = rest,
            None => {
                parts.push(Vec::new());
                free = PolicyKind::Managed
                    .limit()
                    .checked_sub(WRITE_STATEMENTS + cost + header(&[]))
                    .ok_or(TooManyDestinations)?;
            }
        }
        if let Some(part) = parts.last_mut() {
            part.push(destination.clone());
        }
    }
    if parts.len() > ATTACHED_POLICIES + 1 {
        return Err(TooManyDestinations);
    }
    let of_part = |(index, part): (usize, Vec<DestinationGrant>)| {
        let grants = RoleGrants {
            destinations: part,
            ..source.clone()
        };
        if index == 0 {
            role_policy(&grants)
        } else {
            replicas_policy(&grants)
        }
    };
    Ok(parts.into_iter().enumerate().map(of_part).collect())
}

/// An upper bound of what a destination adds to the lists of statements.
fn cost(destination: &DestinationGrant, grants: &RoleGrants) -> usize {
    /// Quotation marks, a comma, and brackets where a list of one becomes one of two.
    const AROUND: usize = 5;
    let bucket = destination.bucket.arn(&grants.partition).len();
    let objects = bucket + 2 + AROUND;
    let keys = destination.replica_keys.iter();
    let keys: BTreeSet<_> = keys.chain(&destination.plain_object_keys).collect();
    // Each key may stand in another statement, with the bucket and its objects as context.
    let key = key_length(&destination.region, grants) + AROUND;
    objects + keys.len() * (key + (bucket + AROUND) + objects)
}

/// The length of a key's ARN, which is the same for all keys of a region: so a plan, in which keys are still to be
/// made, splits as the apply does.
fn key_length(region: &Region, grants: &RoleGrants) -> usize {
    const ACCOUNT_AND_ID: &str = "111111111111:key/00000000-0000-4000-8000-000000000000";
    format!("arn:{}:kms:{region}:{ACCOUNT_AND_ID}", grants.partition).len()
}

/// The same grants with every key's ARN at its full length, whether it is known or not.
fn with_keys_of_full_length(grants: &RoleGrants) -> RoleGrants {
    let full = |key: &mut Input<String>, region: &Region| {
        let length = key_length(region, grants);
        *key = Input::Known(format!("{:0<length$.length$}", key.to_string()));
    };
    let mut long = grants.clone();
    for key in &mut long.source.keys {
        full(key, &grants.source.region);
    }
    for destination in &mut long.destinations {
        let keys = destination.replica_keys.iter_mut();
        for key in keys.chain(&mut destination.plain_object_keys) {
            full(key, &destination.region);
        }
    }
    long
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::replication_role::SourceGrant;
    use super::*;
    use crate::replication::component::{ComponentId, Part, Side};
    use crate::replication::ids::{BucketName, Partition};
    use crate::replication::policy::{check_size, same_meaning};

    fn destination(number: usize, region: &str, kms: bool, flags: u8) -> DestinationGrant {
        let key =
            format!("arn:aws:kms:{region}:222222222222:key/00000000-0000-4000-8000-{number:012}");
        let plain = (flags & 1 != 0).then(|| Input::Known(key.clone()));
        let plain = plain.into_iter().collect();
        DestinationGrant {
            key: format!("d{number}"),
            bucket: BucketName::parse(&format!("acme-archive-with-a-rather-long-name-{number:04}"))
                .unwrap(),
            region: Region::parse(region).unwrap(),
            replica_keys: kms.then_some(Input::Known(key)).into_iter().collect(),
            plain_object_keys: plain,
            bucket_key_enabled: flags & 2 != 0,
            delete_markers: flags & 4 != 0,
            owner_override: flags & 8 != 0,
        }
    }

    fn grants(destinations: Vec<DestinationGrant>) -> RoleGrants {
        RoleGrants {
            partition: Partition::parse("aws").unwrap(),
            source: SourceGrant {
                bucket: BucketName::parse("acme-archive").unwrap(),
                region: Region::parse("eu-west-1").unwrap(),
                keys: Vec::new(),
                object_lock: false,
            },
            destinations,
        }
    }

    const REGIONS: [&str; 4] = ["ap-southeast-2", "eu-west-1", "us-east-1", "us-west-2"];

    /// In which document each destination's bucket is written.
    fn places(documents: &[PolicyDocument]) -> BTreeMap<String, usize> {
        let mut places = BTreeMap::new();
        for (index, document) in documents.iter().enumerate() {
            let writes = document
                .statements
                .iter()
                .filter(|s| s.name().unwrap().starts_with("WriteReplicas"));
            for resource in
                writes.flat_map(|s| s.resources().map(str::to_owned).collect::<Vec<_>>())
            {
                assert_eq!(
                    places.insert(resource, index),
                    None,
                    "a destination stands once"
                );
            }
        }
        places
    }

    #[test]
    fn a_policy_that_fits_is_one_document() {
        let grants = grants(
            (0..20)
                .map(|n| destination(n, REGIONS[n % 4], true, 2))
                .collect(),
        );
        assert_eq!(role_policies(&grants).unwrap(), [role_policy(&grants)]);
    }

    #[test]
    fn a_hundred_destinations_take_a_few_documents_and_some_hundreds_too_many() {
        let all = |count| {
            grants(
                (0..count)
                    .map(|n| destination(n, REGIONS[n % 4], true, 2))
                    .collect(),
            )
        };
        let documents = role_policies(&all(100)).unwrap();
        assert_eq!(documents.len(), 6);
        assert_eq!(role_policies(&all(1000)), Err(TooManyDestinations));
    }

    #[test]
    fn keys_still_to_be_made_are_split_as_those_that_are_there() {
        let known: Vec<_> = (0..60)
            .map(|n| destination(n, REGIONS[n % 4], true, 2))
            .collect();
        let mut later = known.clone();
        for destination in &mut later {
            let side = Side::Destination(destination.key.clone());
            let made = ComponentId::Of(side, Part::Key);
            destination.replica_keys = vec![Input::OutputOf(made)];
        }
        let split = |destinations| places(&role_policies(&grants(destinations)).unwrap());
        assert_eq!(split(later), split(known));
    }

    fn destinations() -> impl Strategy<Value = Vec<Option<(bool, u8)>>> {
        prop::collection::vec(
            prop::option::weighted(0.7, (any::<bool>(), 0..16_u8)),
            40..110,
        )
    }

    fn made(given: &[Option<(bool, u8)>]) -> RoleGrants {
        let some = given.iter().enumerate().filter_map(|(n, given)| {
            let (kms, flags) = (*given)?;
            Some(destination(n, REGIONS[n * 7 % 4], kms, flags))
        });
        grants(some.collect())
    }

    proptest! {
        #[test]
        fn every_document_fits_and_together_they_grant_the_whole(given in destinations()) {
            let grants = made(&given);
            let documents = role_policies(&grants).unwrap();
            for (index, document) in documents.iter().enumerate() {
                let kind = if index == 0 { PolicyKind::RoleInline } else { PolicyKind::Managed };
                prop_assert_eq!(check_size(kind, &document.render().unwrap()), Ok(()));
            }
            prop_assert_eq!(places(&documents).len(), grants.destinations.len());
            if documents.len() == 1 {
                prop_assert!(same_meaning(&documents[0], &role_policy(&grants)));
            }
        }

        #[test]
        fn what_comes_or_grows_moves_others_to_later_documents_only(
            given in destinations(), more in destinations(),
        ) {
            let mut wider = given.clone();
            for (place, more) in wider.iter_mut().zip(more) {
                *place = match (*place, more) {
                    (Some((kms, flags)), Some((kms_too, more))) => Some((kms || kms_too, flags | more)),
                    (there, more) => there.or(more),
                };
            }
            let before = places(&role_policies(&made(&given)).unwrap());
            let after = places(&role_policies(&made(&wider)).unwrap());
            for (bucket, place) in before {
                prop_assert!(place <= after[&bucket], "{}: {} and then {}", bucket, place, after[&bucket]);
            }
        }
    }
}
