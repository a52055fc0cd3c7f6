//! Verification: canaries cross, or it is told why they do not.
//!
//! The attribute, the action and the sub-command all come here with a setup as it is; [`plan`] says before an apply what
//! would keep canaries from being written or removed.

mod before;
mod explain;
pub(in crate::provider) mod memory;
pub(in crate::provider) mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_util::sync::CancellationToken;

pub(super) use self::before::sent_before;
use super::paths::side_path;
use super::report;
use crate::execution::verify::{End, Trouble, Verification, Verified};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::value::AttributePath;
use crate::provider::settings::Session;
use crate::replication::canary::{Canary, CanaryRun, canaries};
use crate::replication::component::Side;
use crate::replication::spec::{Spec, VerificationSpec};

/// Who asks for a verification: what is told stands at an attribute of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::provider) enum Asker {
    /// `verification` of the resource.
    Resource,
    /// The action or the sub-command, by an import ID.
    ImportId,
}

impl Asker {
    /// Where something about an attribute of the resource is told.
    fn path(self, path: AttributePath) -> AttributePath {
        match self {
            Self::Resource => path,
            Self::ImportId => AttributePath::root("import_id"),
        }
    }

    /// What to do, as a sentence: one way out, or to verify nothing where that is written somewhere.
    fn way_out(self, what: &str) -> String {
        match self {
            Self::Resource => format!("{what}, or leave `verification` out."),
            Self::ImportId => format!("{what}."),
        }
    }
}

/// When destinations were seen to receive, RFC 3339.
pub(crate) type Moments = BTreeMap<Side, String>;

/// What a verification came to.
#[derive(Debug)]
#[must_use]
pub(in crate::provider) struct Proof {
    canaries: Vec<Canary>,
    verified: Verified,
    /// What each canary came to grief by, in sentences, by its place and where it should have been.
    why: BTreeMap<(usize, Side), String>,
    /// Where one may only be slow: S3 says that it failed with the first destination that it fails to get to, and
    /// something stands against another one of those where it is not.
    slow: BTreeSet<(usize, Side)>,
    at: String,
}

/// What is told where nothing is known to be wrong.
const UNSEEN: &str = "Objects were not seen to cross yet";
/// Counts the verifications of this process.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// Sends a canary for each enabled rule of a setup, within a time, and asks what S3 was refused of those that failed.
/// `before` is what may have been sent under other prefixes until now.
pub(in crate::provider) async fn verify(
    session: &Session,
    spec: &Spec,
    how: &VerificationSpec,
    within: Duration,
    stop: &CancellationToken,
    tell: &(dyn Fn(String) + Send + Sync),
    before: &[Canary],
) -> Proof {
    let canaries = canaries(spec, &how.key_prefix);
    let verified = run(session, spec, (&canaries, before), within, stop, tell).await;
    let failed = |end: &End| matches!(end, End::Trouble(_));
    let (mut why, mut slow) = (BTreeMap::new(), BTreeSet::new());
    if verified.ends.iter().any(failed) {
        let look = Box::pin(explain::look(session, spec)).await;
        for (place, (canary, end)) in canaries.iter().zip(&verified.ends).enumerate() {
            let End::Trouble(befell) = end else { continue };
            let sides = befell.keys();
            why.extend(sides.map(|to| ((place, to.clone()), look.why(spec, canary, to))));
            let failed = befell
                .iter()
                .filter(|(_, trouble)| **trouble == Trouble::Failed);
            let (flawed, fine): (Vec<&Side>, Vec<&Side>) = failed
                .map(|(to, _)| to)
                .partition(|to| look.stands_against(canary, to));
            if !flawed.is_empty() {
                slow.extend(fine.into_iter().map(|to| (place, to.clone())));
            }
        }
    }
    Proof {
        canaries,
        verified,
        why,
        slow,
        at: OffsetDateTime::now_utc()
            .replace_nanosecond(0)
            .ok()
            .and_then(|now| now.format(&Rfc3339).ok())
            .unwrap_or_default(),
    }
}

/// Sends none, and removes what was left under prefixes that nobody will look under again; none where there are none.
pub(super) async fn sweep(
    session: &Session,
    spec: &Spec,
    before: &[Canary],
    within: Duration,
    stop: &CancellationToken,
) -> Option<Proof> {
    let forgotten = before::forgotten(before, spec);
    if forgotten.is_empty() {
        return None;
    }
    let verified = run(session, spec, (&[], &forgotten), within, stop, &|_| {}).await;
    Some(Proof {
        canaries: Vec::new(),
        verified,
        why: BTreeMap::new(),
        slow: BTreeSet::new(),
        at: String::new(),
    })
}

async fn run(
    session: &Session,
    spec: &Spec,
    (canaries, before): (&[Canary], &[Canary]),
    within: Duration,
    stop: &CancellationToken,
    tell: &(dyn Fn(String) + Send + Sync),
) -> Verified {
    let now = OffsetDateTime::now_utc();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let drawn = format!(
        "{} {count} {}",
        now.unix_timestamp_nanos(),
        std::process::id()
    );
    let verification = Verification {
        cloud: &*session.cloud,
        run: &CanaryRun::new(&spec.owner(), &drawn),
        canaries,
        before,
        now: now.unix_timestamp(),
        within,
        stop,
        tell,
    };
    verification.run().await
}

impl Proof {
    /// Whether a canary failed, or could not be followed to an end.
    pub(crate) fn has_failed(&self) -> bool {
        let fine = |end: &End| matches!(end, End::Crossed | End::Late(_) | End::Unsent);
        !self.verified.ends.iter().all(fine)
    }

    /// Whether every canary crossed.
    pub(in crate::provider) fn is_complete(&self) -> bool {
        self.verified.ends.iter().all(|end| *end == End::Crossed)
    }

    /// The destinations all of whose canaries crossed, there and, where they replicate back, from there.
    pub(crate) fn moments(&self) -> Moments {
        let ends = || self.canaries.iter().zip(&self.verified.ends);
        let destinations = self.canaries.iter().flat_map(|c| [&c.from, &c.to]);
        destinations
            .filter(|side| **side != Side::Source)
            .filter(|side| {
                ends().all(|(canary, end)| match end {
                    End::Crossed => true,
                    End::Trouble(befell) => canary.from != **side && !befell.contains_key(side),
                    _ => canary.from != **side && canary.to != **side,
                })
            })
            .map(|side| (side.clone(), self.at.clone()))
            .collect()
    }

    /// A line for each rule: how its canary ended.
    pub(in crate::provider) fn lines(&self) -> Vec<String> {
        let ends = self.canaries.iter().zip(&self.verified.ends).enumerate();
        ends.map(|(place, (canary, end))| {
            format!(
                "{}: {}",
                name(canary, &canary.to),
                self.words(place, canary, end)
            )
        })
        .collect()
    }

    /// Tells whoever asked what was not as it should be. `done` says in a sentence what is true now, and `later` what
    /// becomes of canaries that were late.
    pub(in crate::provider) fn tell(
        &self,
        asker: Asker,
        (done, later): (&str, &str),
        diagnostics: &mut Diagnostics,
    ) {
        let ends = self.canaries.iter().zip(&self.verified.ends).enumerate();
        for (place, (canary, end)) in ends {
            let path = asker.path(path_of(&canary.from, &canary.to));
            let words = self.words(place, canary, end);
            match end {
                End::Crossed | End::Stopped => {}
                End::Trouble(befell) => {
                    for (to, trouble) in befell {
                        if *to != canary.to && self.is_told(&canary.from, to) {
                            continue;
                        }
                        let words = self.trouble(place, to, trouble);
                        let path = asker.path(path_of(&canary.from, to));
                        let name = name(canary, to);
                        if self.slow.contains(&(place, to.clone())) {
                            let detail = format!("{name}: {words} {later}");
                            diagnostics.warning_at(path, UNSEEN, detail);
                            continue;
                        }
                        let detail = format!("{name}: {words}\n\n{done}");
                        let summary = "Objects do not cross as they should";
                        diagnostics.error_at(path, summary, detail);
                    }
                }
                End::Broken(error) => {
                    let name = name(canary, &canary.to);
                    report::verification_error(path, &name, error, done, diagnostics);
                }
                End::Late(_) | End::Unsent => {
                    let detail = format!(
                        "{}: {words} Nothing is wrong yet: S3 promises no time without replication time control. {later}",
                        name(canary, &canary.to)
                    );
                    diagnostics.warning_at(path, UNSEEN, detail);
                }
            }
        }
        if self.verified.ends.contains(&End::Stopped) {
            let detail = format!("Terraform asked to stop while canaries were under way. {done}");
            diagnostics.error("Stopped", detail);
        }
        if !self.verified.left_behind.is_empty() {
            let left = self.verified.left_behind.join("\n  ");
            let later = match self.canaries.is_empty() {
                true => "The next verification does not look where they are. Delete them by hand.",
                false => "A verification two hours later removes them.",
            };
            diagnostics.warning_at(
                asker.path(AttributePath::root("verification")),
                "Canaries were left behind",
                format!("These could not be removed:\n\n  {left}\n\n{later} Buckets that hold nothing else count as empty."),
            );
        }
    }

    /// Whether a canary of a rule that leads there tells what befalls objects on this way.
    fn is_told(&self, from: &Side, to: &Side) -> bool {
        let mut ends = self.canaries.iter().zip(&self.verified.ends);
        ends.any(|(canary, end)| {
            let befell = matches!(end, End::Trouble(befell) if befell.contains_key(to));
            canary.from == *from && canary.to == *to && befell
        })
    }

    fn words(&self, place: usize, canary: &Canary, end: &End) -> String {
        match end {
            End::Crossed => "crossed".to_owned(),
            End::Trouble(befell) => match befell.get(&canary.to) {
                Some(trouble) => self.trouble(place, &canary.to, trouble),
                None => {
                    let sides: Vec<String> = befell.keys().map(ToString::to_string).collect();
                    format!("crossed, but its canary is not in {}", sides.join(" and "))
                }
            },
            End::Late(None) => format!(
                "no rule of bucket {} took up its canary within the time.",
                canary.bucket
            ),
            End::Late(Some(status)) if status == "COMPLETED" => {
                "S3 says of its canary that it was replicated, and the time was over before the replica was seen.".to_owned()
            }
            End::Late(Some(status)) => {
                format!("its canary was still {status} when the time was over.")
            }
            End::Unsent => "no time was left to send its canary.".to_owned(),
            End::Broken(error) => format!("{error}"),
            End::Stopped => "stopped".to_owned(),
        }
    }

    fn trouble(&self, place: usize, to: &Side, trouble: &Trouble) -> String {
        let why = self.why.get(&(place, to.clone()));
        let why = why.map_or("", String::as_str);
        match trouble {
            Trouble::Failed if self.slow.contains(&(place, to.clone())) => "S3 says that its canary failed, as it does with the first of several destinations that one fails to get to. Nothing stands against this destination, and the canary was not there yet.".to_owned(),
            Trouble::Failed => format!("S3 failed to replicate its canary. {why}"),
            Trouble::Missing { key, bucket } => format!(
                "S3 says of its canary that it was replicated, and bucket {bucket} has no object {key}. Something there takes away what arrives, or the rule leads elsewhere. {why}"
            ),
            Trouble::Differs { bucket, what } => format!(
                "its canary arrived in bucket {bucket}, and the replica {}. {why}",
                what.join("; it ")
            ),
        }
    }
}

/// The attribute that objects cross by between two sides.
fn path_of(from: &Side, to: &Side) -> AttributePath {
    match (from, to) {
        (Side::Source, to) => side_path(to),
        (from, _) => side_path(from).attribute("two_way"),
    }
}

/// A rule with its way, as a sentence begins.
fn name(canary: &Canary, side: &Side) -> String {
    let to = canary.replicas.iter().find(|r| r.side == *side);
    let to = to.map_or_else(|| side.to_string(), |to| to.bucket.clone());
    format!("Rule {} from {} to {to}", canary.rule, canary.bucket)
}
