//! Sends canaries and follows each until its replicas are compared; then every version of all of them goes.
//!
//! What was made a moment ago may not count yet everywhere: rules pass over objects, and a role that may replicate is
//! refused. S3 never takes up an object again that it passed over or failed at. So one that does not get on is followed
//! by a new one, and what befalls those of the first two minutes is not believed. Cleaning up comes last whatever
//! happens, has a time of its own, and Terraform's wish to stop does not end it.

mod removal;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures::future::join_all;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::cloud::{CallError, CallErrorKind, Cloud};
use super::locks::DocumentLocks;
use super::retry::{self, Setting};
use super::run::Run;
use crate::replication::canary::{Canary, CanaryRun, Replica, ReplicaSeen};
use crate::replication::component::Side;
use crate::replication::ids::Location;
use crate::replication::operation::{Answer, ObjectDescription, Operation, Query, Tags};

/// How many calls about canaries are under way at once; of canaries any number is, because they mostly wait.
const CALLS: usize = 32;
/// How long after a change a failure may come from what does not count everywhere yet.
const SETTLING: Duration = Duration::from_secs(120);
/// How long a canary that no rule takes up is waited for before a new one goes; twice as long each time.
const PASSED_OVER: Duration = Duration::from_secs(10);
/// How long one that is pending is waited for before a new one goes beside it; twice as long each time.
const PENDING: Duration = Duration::from_secs(120);
/// How long a replica may take to show once S3 says that it arrived.
const ARRIVED: Duration = Duration::from_secs(10);
/// How long cleaning up may take.
const CLEANING: Duration = Duration::from_secs(5 * 60);
/// What is told where the time for what earlier runs left is over.
const UNSWEPT: &str = "canaries of earlier runs, which there was no time to look for";

/// A verification that is about to begin.
pub struct Verification<'a> {
    /// AWS.
    pub cloud: &'a dyn Cloud,
    /// Tells its canaries from those of others.
    pub run: &'a CanaryRun,
    /// What is sent.
    pub canaries: &'a [Canary],
    /// What earlier runs may have sent besides, under other prefixes: their leftovers are looked for as well.
    pub before: &'a [Canary],
    /// The moment, in seconds since 1970.
    pub now: i64,
    /// How long they may take to cross.
    pub within: Duration,
    /// Whether Terraform asks to stop.
    pub stop: &'a CancellationToken,
    /// Hears how it goes, line by line.
    pub tell: &'a (dyn Fn(String) + Send + Sync),
}

/// How a verification ended.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Verified {
    /// How each canary ended, in their order.
    pub ends: Vec<End>,
    /// How many objects were sent.
    pub sent: usize,
    /// What could not be removed, in words.
    pub left_behind: Vec<String>,
}

/// How a canary ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It arrived everywhere as it should.
    Crossed,
    /// What befell it, by where it should be; replicas elsewhere are as they should be.
    Trouble(BTreeMap<Side, Trouble>),
    /// Time was over before S3 said anything certain; what it said last.
    Late(Option<String>),
    /// Time was over before it could be sent.
    Unsent,
    /// A call about it failed.
    Broken(CallError),
    /// Terraform asked to stop.
    Stopped,
}

/// What befell a canary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// S3 says `FAILED` of it, and it is not there.
    Failed,
    /// S3 says `COMPLETED`, and there is no such object in a bucket.
    Missing {
        /// The key.
        key: String,
        /// The bucket.
        bucket: String,
    },
    /// A replica differs from what was asked for.
    Differs {
        /// The bucket that it is in.
        bucket: String,
        /// What differs, in words that follow "the replica".
        what: Vec<String>,
    },
}

/// An object that is under way.
struct Sent {
    number: usize,
    key: String,
    at: Instant,
    status: Option<String>,
}

/// What following a canary needs.
struct Follow<'a> {
    work: &'a Verification<'a>,
    calls: &'a Run<'a>,
    begun: Instant,
    sent: &'a AtomicUsize,
    places: Semaphore,
}

impl Verification<'_> {
    /// Does all of it.
    pub async fn run(&self) -> Verified {
        let either = self.stop.child_token();
        let (locks, wrote, sent) = (
            DocumentLocks::default(),
            AtomicBool::new(false),
            AtomicUsize::new(0),
        );
        let calls = Run {
            cloud: self.cloud,
            locks: &locks,
            stop: &either,
            undoes: false,
            wrote: &wrote,
        };
        let follow = Follow {
            work: self,
            calls: &calls,
            begun: Instant::now(),
            sent: &sent,
            places: Semaphore::new(CALLS),
        };
        let mut all = std::pin::pin!(follow.all());
        let (mut left_behind, ends) = tokio::select! {
            biased;
            all = &mut all => all,
            () = sleep_until(follow.begun + self.within) => {
                either.cancel();
                all.await
            }
        };
        let never = CancellationToken::new();
        let cleaning = Run {
            stop: &never,
            ..calls
        };
        let sent = sent.load(Ordering::Relaxed);
        let cleaned = timeout(CLEANING, self.remove_own(&cleaning, &ends, sent)).await;
        left_behind.extend(cleaned.unwrap_or_else(|_| {
            let minutes = CLEANING.as_secs() / 60;
            vec![format!(
                "they could not be removed within {minutes} minutes"
            )]
        }));
        Verified {
            ends,
            sent,
            left_behind,
        }
    }
}

impl Follow<'_> {
    /// Removes what earlier runs left, then follows every canary: what stays behind, and how each ended.
    async fn all(&self) -> (Vec<String>, Vec<End>) {
        let swept = tokio::select! {
            biased;
            left = self.work.remove_leftovers(self.calls) => left,
            () = self.work.stop.cancelled() => Vec::new(),
            () = self.calls.stop.cancelled() => vec![UNSWEPT.to_owned()],
            () = sleep(CLEANING) => vec![UNSWEPT.to_owned()],
        };
        let canaries = self.work.canaries.iter();
        let ends = join_all(canaries.map(|canary| Box::pin(self.canary(canary)))).await;
        (swept, ends)
    }

    /// Asks AWS when it is this question's turn.
    async fn ask(&self, at: &Location, query: &Query) -> Result<Answer, CallError> {
        let _place = self.places.acquire().await;
        self.work.cloud.query(at, query).await
    }

    async fn canary(&self, canary: &Canary) -> End {
        match self.until_it_ends(canary).await {
            Ok(end) => end,
            Err(error) => End::Broken(error),
        }
    }

    /// Sends canaries until one has come to a certain end.
    async fn until_it_ends(&self, canary: &Canary) -> Result<End, CallError> {
        let mut open: Vec<Sent> = Vec::new();
        let mut trouble = None;
        let (mut looks, mut resends) = (often(), seldom());
        let (mut passed_over, mut pending) = (PASSED_OVER, PENDING);
        let mut next = Some(Instant::now());
        loop {
            if self.calls.stop.is_cancelled() {
                return Ok(self.cut_short(trouble, open.last()));
            }
            if next.is_some_and(|next| Instant::now() >= next) {
                match self.send(canary).await {
                    Ok(sent) => open.push(sent),
                    Err(error) if error.kind == CallErrorKind::Cancelled => continue,
                    Err(error) => return Err(error),
                }
                (next, looks) = (None, often());
            }
            let mut still_open = Vec::new();
            for sent in open {
                let seen = self.look(&canary.at, &canary.bucket, &sent.key).await?;
                let original = seen.unwrap_or_default();
                let status = original.replication_status.clone();
                let has_failed = match status.as_deref() {
                    Some("COMPLETED") => false,
                    Some("FAILED") => true,
                    _ => {
                        still_open.push(Sent { status, ..sent });
                        continue;
                    }
                };
                let is_settled = self.is_settled(&sent);
                let patience = match has_failed && !is_settled {
                    true => Duration::ZERO,
                    false => ARRIVED,
                };
                let compared = self.compare(canary, &sent.key, &original, patience);
                let Some(found) = compared.await? else {
                    return Ok(self.cut_short(None, Some(&Sent { status, ..sent })));
                };
                if found.is_empty() {
                    let seconds = self.begun.elapsed().as_secs();
                    self.tell(canary, &format!("crossed after {seconds} seconds"));
                    return Ok(End::Crossed);
                }
                if is_settled {
                    return Ok(End::Trouble(found));
                }
                trouble = Some((sent.number, found));
            }
            open = still_open;
            if next.is_none() {
                let now = Instant::now();
                let newest = open.last();
                next = match newest {
                    None => {
                        self.tell(canary, "it did not cross; a new canary follows, because what was changed a moment ago may not count yet");
                        resends.next().map(|wait| now + wait)
                    }
                    Some(sent) if sent.status.is_none() && sent.at.elapsed() >= passed_over => {
                        self.tell(
                            canary,
                            "no rule has taken it up yet; a new canary goes beside it",
                        );
                        passed_over *= 2;
                        Some(now)
                    }
                    Some(sent) if sent.at.elapsed() >= pending => {
                        self.tell(canary, "it is still pending; a new canary goes beside it");
                        pending *= 2;
                        Some(now)
                    }
                    Some(_) => None,
                };
            }
            if let Some(wait) = looks.next() {
                self.calls.pause(wait).await;
            }
        }
    }

    /// Whether what befell an object cannot come from a change of a moment ago any more.
    fn is_settled(&self, sent: &Sent) -> bool {
        sent.at.duration_since(self.begun) >= SETTLING
    }

    /// How a canary ends when nothing more may be done: what the newest object came to counts, and nothing older.
    fn cut_short(
        &self,
        trouble: Option<(usize, BTreeMap<Side, Trouble>)>,
        newest_open: Option<&Sent>,
    ) -> End {
        match (trouble, newest_open) {
            _ if self.work.stop.is_cancelled() => End::Stopped,
            (Some((of, found)), newest) if newest.is_none_or(|sent| sent.number < of) => {
                End::Trouble(found)
            }
            (_, Some(sent)) => End::Late(sent.status.clone()),
            (_, None) => End::Unsent,
        }
    }

    async fn send(&self, canary: &Canary) -> Result<Sent, CallError> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let object = canary.object(self.work.run, number);
        let sent = Sent {
            number,
            key: object.key.clone(),
            at: Instant::now(),
            status: None,
        };
        let operation = Operation::PutObject {
            bucket: canary.bucket.clone(),
            object,
        };
        // The bucket may have been made in this very run.
        let setting = Setting {
            fresh: true,
            fresh_role: false,
        };
        let place = self.places.acquire().await;
        self.calls.call(&canary.at, &operation, setting).await?;
        drop(place);
        self.tell(canary, &format!("{} was written", sent.key));
        Ok(sent)
    }

    async fn look(
        &self,
        at: &Location,
        bucket: &str,
        key: &str,
    ) -> Result<Option<ObjectDescription>, CallError> {
        let query = Query::HeadObject {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        };
        match self.ask(at, &query).await {
            Ok(Answer::Object(object)) => Ok(Some(object)),
            Ok(_) => Ok(None),
            Err(error) if error.kind == CallErrorKind::NotFound || retry::is_redirect(&error) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Compares every replica with what was asked for: what befell those that are not as they should be. None where
    /// there was no time left to see that.
    async fn compare(
        &self,
        canary: &Canary,
        key: &str,
        original: &ObjectDescription,
        patience: Duration,
    ) -> Result<Option<BTreeMap<Side, Trouble>>, CallError> {
        let mut found = BTreeMap::new();
        let has_failed = original.replication_status.as_deref() == Some("FAILED");
        for replica in &canary.replicas {
            let arrived = match self.arrived(canary, replica, key, patience).await {
                // A replica that stays the source's account's own can be read by nobody who enters the destination's.
                Err(error) if error.kind == CallErrorKind::AccessDenied => match replica.same_owner
                {
                    Some(true) => continue,
                    Some(false) if !has_failed => {
                        let trouble = Trouble::Differs {
                            bucket: replica.bucket.clone(),
                            what: vec![format!(
                                "cannot be read there ({error}); it may still belong to the source's account, and should belong to the destination's"
                            )],
                        };
                        found.insert(replica.side.clone(), trouble);
                        continue;
                    }
                    _ => return Err(error),
                },
                arrived => arrived?,
            };
            let trouble = match arrived {
                None if self.work.stop.is_cancelled() => return Ok(None),
                None if self.calls.stop.is_cancelled() && !has_failed => return Ok(None),
                None if has_failed => Trouble::Failed,
                None => Trouble::Missing {
                    key: key.to_owned(),
                    bucket: replica.bucket.clone(),
                },
                Some(seen) => {
                    let what = replica.differences(canary, self.work.run, original, &seen);
                    if what.is_empty() {
                        continue;
                    }
                    Trouble::Differs {
                        bucket: replica.bucket.clone(),
                        what,
                    }
                }
            };
            found.insert(replica.side.clone(), trouble);
        }
        if has_failed && found.is_empty() {
            // Which one S3 means cannot be told.
            let sides = canary.replicas.iter().map(|replica| replica.side.clone());
            found.extend(sides.map(|side| (side, Trouble::Failed)));
        }
        Ok(Some(found))
    }

    /// Waits a while for a replica, and for what is read of it to show.
    async fn arrived(
        &self,
        canary: &Canary,
        replica: &Replica,
        key: &str,
        patience: Duration,
    ) -> Result<Option<ReplicaSeen>, CallError> {
        let mut waits = retry::backoff(patience);
        loop {
            let seen = match self.seen(canary, replica, key).await {
                Err(error) if error.kind == CallErrorKind::NotFound => None,
                // The name of a young bucket leads elsewhere until every endpoint knows it.
                Err(error) if retry::is_redirect(&error) => {
                    waits = retry::backoff(patience);
                    None
                }
                seen => Some(seen?),
            };
            match waits.next() {
                Some(wait) if seen.is_none() && self.calls.pause(wait).await => {}
                _ => return Ok(seen),
            }
        }
    }

    async fn seen(
        &self,
        canary: &Canary,
        replica: &Replica,
        key: &str,
    ) -> Result<ReplicaSeen, CallError> {
        let query = Query::HeadObject {
            bucket: replica.bucket.clone(),
            key: key.to_owned(),
        };
        let object = match self.ask(&replica.at, &query).await? {
            Answer::Object(object) => object,
            _ => ObjectDescription::default(),
        };
        Ok(ReplicaSeen {
            object,
            tags: match canary.tags.is_empty() {
                true => None,
                false => Some(self.tags(replica, key).await?),
            },
            owners: match replica.same_owner {
                None => None,
                Some(_) => Some((
                    self.owner(&canary.at, &canary.bucket, key).await?,
                    self.owner(&replica.at, &replica.bucket, key).await?,
                )),
            },
        })
    }

    async fn tags(&self, replica: &Replica, key: &str) -> Result<Tags, CallError> {
        let query = Query::GetObjectTagging {
            bucket: replica.bucket.clone(),
            key: key.to_owned(),
        };
        match self.ask(&replica.at, &query).await? {
            Answer::Tags(tags) => Ok(tags),
            _ => Ok(Tags::new()),
        }
    }

    async fn owner(&self, at: &Location, bucket: &str, key: &str) -> Result<String, CallError> {
        let query = Query::GetObjectAcl {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        };
        match self.ask(at, &query).await? {
            Answer::Text(owner) => Ok(owner),
            _ => Ok(String::new()),
        }
    }

    fn tell(&self, canary: &Canary, what: &str) {
        let to: Vec<&str> = canary.places().skip(1).map(|(_, bucket)| bucket).collect();
        (self.work.tell)(format!(
            "{}, {} to {}: {what}",
            canary.rule,
            canary.bucket,
            to.join(" and ")
        ));
    }
}

/// Waits between two looks at a canary.
fn often() -> ExponentialBackoff {
    waits(Duration::from_millis(200), Duration::from_secs(10))
}

/// Waits between a failure and the next canary.
fn seldom() -> ExponentialBackoff {
    waits(Duration::from_secs(2), Duration::from_secs(30))
}

fn waits(first: Duration, longest: Duration) -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(first)
        .with_max_delay(longest)
        .with_factor(1.5)
        .with_jitter()
        .without_max_times()
        .build()
}
