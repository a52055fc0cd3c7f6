//! Makes the changes of the table, one after the other: each is planned, applied, planned empty and looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use aws_sdk_s3::types::ReplicationRule;
use serde_json::{Map, Value};
use support::Outcome;
use support::evaluator::Picture;

use super::Example;
use super::changes::{CLASS, Change, of};

/// What is written at AWS, by what it is of: a line, and the key in it.
type Written = BTreeMap<String, (String, Option<String>)>;

/// What one change did, in the words of [`Change`], by which it is judged.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    plans: Vec<(String, String)>,
    writes: Vec<String>,
    arrives: Vec<(String, String)>,
}

impl Example {
    /// Makes the changes that the table has for this setup.
    pub(crate) async fn make_changes(&self) -> Outcome {
        self.make_some_changes(0..4).await
    }

    /// Makes some of them, in their order.
    pub(crate) async fn make_some_changes(&self, numbers: Range<usize>) -> Outcome {
        let mut written = self.written(&self.picture().await?).await?;
        for number in numbers {
            written = self.make_change(number, &written).await?;
        }
        Ok(())
    }

    /// Makes one, where this is written at AWS, and tells what is written then.
    async fn make_change(&self, number: usize, before: &Written) -> Outcome<Written> {
        let change = &of(self.folder)?[number];
        let told = format!("{}, {}", self.folder, change.what);
        let seen = self.make(change, number, before).await;
        let (seen, after) = seen.map_err(|error| format!("{told}: {error}"))?;
        let pairs = |pairs: &[(&str, &str)]| {
            let owned = pairs.iter().map(|&(a, b)| (a.to_owned(), b.to_owned()));
            owned.collect()
        };
        let expected = Seen {
            plans: pairs(change.plans),
            writes: change.writes.iter().map(|&line| line.to_owned()).collect(),
            arrives: pairs(change.arrives),
        };
        assert_eq!(seen, expected, "{told}");
        Ok(after)
    }

    async fn make(
        &self,
        change: &Change,
        number: usize,
        before: &Written,
    ) -> Outcome<(Seen, Written)> {
        for (old, new) in change.edits {
            self.change(old, &new.replace("<other key>", &self.other_key))?;
        }
        let plan = self.workspace.plan_json().await?;
        let drift = &plan["resource_drift"];
        if !drift.is_null() {
            return Err(format!("something had changed before: {drift}").into());
        }
        if change.what == CLASS {
            self.tells_its_update().await?;
        }
        let apply = self.workspace.run(&["apply", "-no-color", "tfplan"]);
        apply.await?.success()?;
        let picture = self.settled().await?;
        let after = self.written(&picture).await?;
        let is_new = |of: &&String| before.get(*of) != after.get(*of);
        let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let writes = all
            .into_iter()
            .filter(is_new)
            .map(|of| match after.get(of) {
                Some((told, _)) => told.clone(),
                None => format!("no {of}"),
            });
        let mut seen = Seen {
            plans: self.changed_places(&plan)?,
            writes: writes.collect(),
            arrives: Vec::new(),
        };
        for (object, _) in change.arrives {
            let there = self.send(&picture, &format!("{object}-{number}")).await?;
            seen.arrives.push(((*object).to_owned(), there));
        }
        Ok((seen, after))
    }

    /// Puts an object, named `<bucket>/<key>`, and tells everywhere else where it is then, and under which class.
    async fn send(&self, picture: &Picture, object: &str) -> Outcome<String> {
        let object = object.replace('*', &self.bucket);
        let (source, key) = object.split_once('/').ok_or("no key")?;
        let from = self.clients_of(picture, source)?;
        from.put_text(source, key, "Dear archive").await?;
        let mut places = Vec::new();
        for bucket in picture.buckets.keys().filter(|bucket| *bucket != source) {
            let head = self.clients_of(picture, bucket)?.s3.head_object();
            match head.bucket(bucket).key(key).send().await {
                Ok(found) => {
                    let class = found
                        .storage_class()
                        .map_or("STANDARD", |class| class.as_str());
                    places.push(format!("{} {class}", self.short(bucket)));
                }
                Err(error) if error.as_service_error().is_some_and(|e| e.is_not_found()) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(places.join(", "))
    }

    /// The default encryption of every bucket, and every rule.
    async fn written(&self, picture: &Picture) -> Outcome<Written> {
        let mut written = BTreeMap::new();
        for (name, bucket) in &picture.buckets {
            let short = self.short(name);
            let key = bucket.encryption.key.clone();
            let under = key.as_ref().map_or("AES256", |_| "a new key");
            written.insert(short.clone(), (format!("{short} under {under}"), key));
            for rule in self.clients_of(picture, name)?.rules(name).await? {
                let of = format!("rule {} of {short}", rule.id().unwrap_or_default());
                let (line, key) = self.rule(picture, &rule)?;
                written.insert(of, (format!("{short} {line}"), key));
            }
        }
        Ok(written)
    }

    fn rule(&self, picture: &Picture, rule: &ReplicationRule) -> Outcome<(String, Option<String>)> {
        let to = rule.destination().ok_or("a rule without a destination")?;
        let there = to.bucket().trim_start_matches("arn:aws:s3:::");
        let mut line = format!("to {}: {}", self.short(there), rule.status());
        if let Some(class) = to.storage_class() {
            line.push_str(&format!(", {class}"));
        }
        let encryption = to.encryption_configuration();
        let key = encryption.and_then(|encryption| encryption.replica_kms_key_id());
        if key.is_some() {
            let is_default = picture.buckets[there].encryption.key.as_deref() == key;
            line.push_str(if is_default {
                ", its key"
            } else {
                ", another key"
            });
        }
        Ok((line, key.map(str::to_owned)))
    }

    /// What a plan changes, by place: a side, the role, the components. Behind a name where it changes only that one
    /// of several resources.
    fn changed_places(&self, plan: &Value) -> Outcome<Vec<(String, String)>> {
        let resources = plan["resource_changes"].as_array();
        let resources: Vec<&Value> = resources.into_iter().flatten().collect();
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for resource in &resources {
            let [before, after, unknown] =
                ["before", "after", "after_unknown"].map(|side| &resource["change"][side]);
            let mut paths = BTreeSet::new();
            changed(before, after, unknown, &[], &mut paths);
            for path in paths {
                let index = resource["index"].as_str().unwrap_or_default();
                found.entry(path).or_default().push(self.short(index));
            }
        }
        let mut places: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (path, of) in &found {
            let mut dots = path.match_indices('.').map(|(at, _)| at);
            let first = dots.next().ok_or("a whole resource")?;
            let of_one = path.starts_with("destinations.").then(|| dots.next());
            let (place, attribute) = path.split_at(of_one.flatten().unwrap_or(first));
            let attribute = &attribute[1..];
            let place = if of.len() == resources.len() {
                place.to_owned()
            } else {
                format!("{}: {place}", of.join(", "))
            };
            places.entry(place).or_default().push(attribute);
        }
        let places = places.into_iter();
        let joined = places.map(|(place, attributes)| (place, attributes.join(" ")));
        Ok(joined.collect())
    }

    /// A name with `*` for what the names of this example begin with.
    fn short(&self, name: &str) -> String {
        name.replace(&self.bucket, "*")
    }
}

/// The paths at which a planned value differs or is not known yet. What comes or goes as a whole is one path, and so
/// are all components that come or go with one side.
fn changed(
    before: &Value,
    after: &Value,
    unknown: &Value,
    path: &[&str],
    paths: &mut BTreeSet<String>,
) {
    let is_unknown = unknown == &Value::Bool(true);
    if let (Value::Object(old), Value::Object(new)) = (before, after) {
        let nothing = Map::new();
        let open = unknown.as_object().unwrap_or(&nothing);
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).chain(open.keys()).collect();
        for name in names {
            let path = [path, &[name.as_str()]].concat();
            changed(&before[name], &after[name], &unknown[name], &path, paths);
        }
    } else if before != after || is_unknown {
        let whole = before.is_null() || (after.is_null() && !is_unknown);
        let told = path.join(".");
        let of_side = told
            .rsplit_once('/')
            .filter(|_| whole && path[0] == "components");
        paths.insert(of_side.map_or(told.as_str(), |(side, _)| side).to_owned());
    }
}
