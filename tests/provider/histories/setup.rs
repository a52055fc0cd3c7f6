//! What a configuration says, as a few choices that a line can tell.
//!
//! Every setting that a choice is about is written either way, so that nothing of an earlier configuration is
//! remembered by contract: priorities are numbers, roles have names, and an import keeps no value.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};

use crate::configs::{ABROAD, HOME, THIRD, deploy, policy};
use crate::random::existing_key;

pub const SOURCE: &str = "acme-archive";

/// Where a destination is.
pub struct Place {
    pub key: &'static str,
    pub bucket: &'static str,
    pub account: &'static str,
    pub region: &'static str,
    /// Whether the bucket is somebody else's.
    pub theirs: bool,
}

/// Every destination that there may be.
pub const PLACES: [Place; 4] = [
    Place {
        key: "backup",
        bucket: "acme-archive-backup",
        account: ABROAD,
        region: "us-west-2",
        theirs: false,
    },
    Place {
        key: "near",
        bucket: "acme-near",
        account: HOME,
        region: "us-east-1",
        theirs: false,
    },
    Place {
        key: "third",
        bucket: "acme-third",
        account: THIRD,
        region: "eu-west-1",
        theirs: false,
    },
    Place {
        key: "theirs",
        bucket: "their-target",
        account: ABROAD,
        region: "us-west-2",
        theirs: true,
    },
];

/// How objects are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Encryption {
    Plain,
    OwnKey,
    /// Another key of ours: whether it is multi-region cannot be changed.
    AnotherKey,
    TheirKey,
}

/// What else is written about a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Settings {
    None,
    Tagged,
    Lifecycle,
    Statement,
    OnlyTls,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Destination {
    encryption: Encryption,
    settings: Settings,
    two_way: bool,
    markers: bool,
    rules: bool,
}

/// What a configuration says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Setup {
    encryption: Encryption,
    settings: Settings,
    other_role: bool,
    /// In the order of [`PLACES`]; at least one is there.
    destinations: [Option<Destination>; 4],
}

impl Setup {
    /// As a person writes it.
    pub fn config(&self) -> Json {
        let mut source = json!({ "bucket": SOURCE, "region": "eu-west-1" });
        self.encryption.write(&mut source, (HOME, "eu-west-1"));
        self.settings.write(&mut source, SOURCE);
        let places = PLACES.iter().enumerate();
        let written = places.filter_map(|(at, place)| {
            let destination = self.destinations[at].as_ref()?;
            let mut written = destination.config(at, place);
            let has_key = match place.theirs {
                true => destination.encryption == Encryption::TheirKey,
                false => destination.encryption != Encryption::Plain,
            };
            written["replicate_encrypted_objects"] = json!(has_key);
            Some((place.key.to_owned(), written))
        });
        let role = match self.other_role {
            true => "copier",
            false => "replication-acme-archive",
        };
        json!({
            "source": source,
            "role": { "name": role },
            "destinations": Json::Object(written.collect()),
        })
    }
}

impl Destination {
    fn config(&self, at: usize, place: &Place) -> Json {
        let mut written = json!({
            "bucket": place.bucket,
            "region": place.region,
            "delete_marker_replication": self.markers,
            "two_way": self.two_way,
            "replica_modification_sync": self.two_way,
        });
        if place.account != HOME {
            written["assume_role"] = deploy(place.account);
        }
        if self.two_way {
            let name = format!("replication-{}", place.bucket);
            written["two_way_role"] = json!({ "name": name });
        }
        if self.rules {
            let rule = |prefix: &str, number: usize| json!({ "filter": { "prefix": prefix }, "priority": at * 10 + number });
            written["rules"] = json!({ "logs": rule("logs/", 1), "rest": rule("rest/", 2) });
        } else {
            written["priority"] = json!(at * 10);
        }
        if place.theirs {
            written["existing"] = json!(true);
        }
        if !place.theirs || self.encryption == Encryption::TheirKey {
            let at = (place.account, place.region);
            self.encryption.write(&mut written, at);
        }
        if !place.theirs {
            self.settings.write(&mut written, place.bucket);
        }
        written
    }
}

impl Encryption {
    fn write(self, side: &mut Json, place: (&'static str, &'static str)) {
        side["encryption"] = match self {
            Self::Plain => json!({ "sse_algorithm": "AES256", "bucket_key_enabled": false }),
            Self::OwnKey => {
                json!({ "sse_algorithm": "aws:kms", "bucket_key_enabled": true, "key": { "multi_region": false } })
            }
            Self::AnotherKey => {
                json!({ "sse_algorithm": "aws:kms", "bucket_key_enabled": true, "key": { "multi_region": true } })
            }
            Self::TheirKey => {
                side["manage_key_policy"] = json!(true);
                json!({ "sse_algorithm": "aws:kms", "bucket_key_enabled": true, "kms_key_arn": existing_key(place, 0) })
            }
        };
    }

    fn words(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::OwnKey => "its own key",
            Self::AnotherKey => "another key of its own",
            Self::TheirKey => "their key",
        }
    }
}

impl Settings {
    fn write(self, side: &mut Json, bucket: &str) {
        let tags = match self {
            Self::Tagged => json!({ "team": "archive" }),
            _ => json!({}),
        };
        side["tags"] = tags;
        side["lifecycle_rules"] = match self {
            Self::Lifecycle => {
                json!({ "uploads": { "abort_incomplete_multipart_upload_days": 7 } })
            }
            _ => json!({}),
        };
        side["require_tls"] = json!(self == Self::OnlyTls);
        if self == Self::Statement {
            side["policy"] = policy("s3:GetObject", &format!("arn:aws:s3:::{bucket}/*"));
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Tagged => ", tagged",
            Self::Lifecycle => ", with a lifecycle rule",
            Self::Statement => ", with a statement",
            Self::OnlyTls => ", by TLS only",
        }
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = if self.other_role { ", role copier" } else { "" };
        let (encryption, settings) = (self.encryption.words(), self.settings.words());
        write!(f, "source ({encryption}{settings}{role})")?;
        for (place, destination) in PLACES.iter().zip(&self.destinations) {
            let Some(destination) = destination else {
                continue;
            };
            let (encryption, settings) =
                (destination.encryption.words(), destination.settings.words());
            write!(f, ", {} ({encryption}{settings}", place.key)?;
            for (is_said, word) in [
                (destination.two_way, ", two-way"),
                (destination.markers, ", delete markers"),
                (destination.rules, ", two rules"),
            ] {
                f.write_str(if is_said { word } else { "" })?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

/// Any configuration; one that is simpler comes first.
pub fn setups() -> impl Strategy<Value = Setup> {
    let destination = |place: &Place, often: f64| {
        proptest::option::weighted(often, destinations(place.account != THIRD))
    };
    let [backup, near, third, theirs] = &PLACES;
    (
        encryptions(),
        settings(),
        proptest::bool::weighted(0.2),
        (
            destination(backup, 0.7),
            destination(near, 0.3),
            destination(third, 0.1),
            destination(theirs, 0.25),
        ),
    )
        .prop_map(|(encryption, settings, other_role, destinations)| {
            let (backup, near, third, theirs) = destinations;
            let mut destinations = [backup, near, third, theirs];
            if destinations.iter().all(Option::is_none) {
                destinations[0] = Some(Destination {
                    encryption: Encryption::Plain,
                    settings: Settings::None,
                    two_way: false,
                    markers: false,
                    rules: false,
                });
            }
            Setup {
                encryption,
                settings,
                other_role,
                destinations,
            }
        })
}

fn destinations(may_be_two_way: bool) -> impl Strategy<Value = Destination> {
    let two_way = if may_be_two_way { 0.25 } else { 0.0001 };
    (
        encryptions(),
        settings(),
        proptest::bool::weighted(two_way),
        any::<bool>(),
        proptest::bool::weighted(0.2),
    )
        .prop_map(
            |(encryption, settings, two_way, markers, rules)| Destination {
                encryption,
                settings,
                two_way,
                markers,
                rules,
            },
        )
}

fn encryptions() -> impl Strategy<Value = Encryption> {
    select(vec![
        Encryption::Plain,
        Encryption::OwnKey,
        Encryption::OwnKey,
        Encryption::AnotherKey,
        Encryption::TheirKey,
    ])
}

fn settings() -> impl Strategy<Value = Settings> {
    select(vec![
        Settings::None,
        Settings::None,
        Settings::Tagged,
        Settings::Lifecycle,
        Settings::Statement,
        Settings::OnlyTls,
    ])
}
