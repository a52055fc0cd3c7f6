//! Somebody else writes into a shared document after we have read it, while AWS refuses our write or its answer is lost.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use terraform_provider_replicated::execution::DocumentLocks;
use terraform_provider_replicated::execution::cloud::{CallError, CallErrorKind, Cloud, Identity};
use terraform_provider_replicated::execution::executor;
use terraform_provider_replicated::replication::component::{ComponentId, Part, Side};
use terraform_provider_replicated::replication::desired::desire;
use terraform_provider_replicated::replication::graph::{Action, StepGraph};
use terraform_provider_replicated::replication::ids::{Location, Region, WayIn};
use terraform_provider_replicated::replication::operation::{Answer, Operation, Output, Query};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use crate::fake::{FakeCloud, State};
use crate::scenario::{
    FIRST, LATER, backup, create, drift_words, kms_abroad, no_stop, rule_of, try_update,
};

const SOURCE: &str = "acme-archive";
const BACKUP: &str = "acme-archive-backup";

/// How the first write of a document ends; in each case the rival has written by then.
#[derive(Debug, Clone, Copy)]
struct Ending {
    /// What we hear.
    kind: CallErrorKind,
    /// Whether it was carried out before the rival wrote.
    carried_out: bool,
}

const ENDINGS: [Ending; 4] = [
    Ending {
        kind: CallErrorKind::Conflict,
        carried_out: false,
    },
    Ending {
        kind: CallErrorKind::NotReady,
        carried_out: false,
    },
    Ending {
        kind: CallErrorKind::Ambiguous,
        carried_out: false,
    },
    Ending {
        kind: CallErrorKind::Ambiguous,
        carried_out: true,
    },
];

/// A cloud in which the first call of a kind about a subject ends so, after somebody else has written.
struct Contested<'a> {
    inner: &'a FakeCloud,
    call: &'a str,
    subject: String,
    ending: Ending,
    rival: fn(&mut State),
    struck: AtomicBool,
}

#[async_trait]
impl Cloud for Contested<'_> {
    async fn enter(&self, way_in: &WayIn, region: &Region) -> Result<Identity, CallError> {
        self.inner.enter(way_in, region).await
    }

    async fn query(&self, at: &Location, query: &Query) -> Result<Answer, CallError> {
        self.inner.query(at, query).await
    }

    async fn perform(&self, at: &Location, operation: &Operation) -> Result<Output, CallError> {
        let is_it = operation.call() == self.call && operation.subject() == self.subject;
        if !is_it || self.struck.swap(true, Ordering::SeqCst) {
            return self.inner.perform(at, operation).await;
        }
        if self.ending.carried_out {
            self.inner.perform(at, operation).await?;
        }
        (self.rival)(&mut self.inner.state());
        Err(CallError {
            kind: self.ending.kind,
            call: operation.call().to_owned(),
            subject: operation.subject(),
            account: Some(at.account.clone()),
            region: Some(at.region.clone()),
            code: None,
            message: "injected".to_owned(),
            request_id: None,
        })
    }
}

fn contested<'a>(
    inner: &'a FakeCloud,
    (call, subject): (&'a str, &str),
    ending: Ending,
    rival: fn(&mut State),
) -> Contested<'a> {
    Contested {
        inner,
        call,
        subject: subject.to_owned(),
        ending,
        rival,
        struck: AtomicBool::new(false),
    }
}

/// Somebody else's statement, for the policy of a bucket or of a key.
fn add_to(policy: &mut PolicyDocument, action: &str, resource: &str) {
    let theirs = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"Theirs","Effect":"Allow",
        "Principal":{{"AWS":"arn:aws:iam::222222222222:root"}},"Action":"{action}","Resource":"{resource}"}}]}}"#
    );
    let theirs = PolicyDocument::parse(&theirs).unwrap();
    policy.statements.extend(theirs.statements);
}

fn theirs_in(policy: &PolicyDocument) -> usize {
    let sids = policy.statements.iter().map(|s| s.sid.as_deref());
    sids.filter(|sid| *sid == Some("Theirs")).count()
}

#[tokio::test(start_paused = true)]
async fn what_a_rival_writes_before_a_write_that_has_to_be_sent_again_stays_in_the_policy() {
    for ending in ENDINGS {
        let cloud = FakeCloud::new();
        let prior = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
        let mut wanted = prior.clone();
        rule_of(backup(&mut wanted)).delete_marker_replication = true;
        let of_bucket = contested(&cloud, ("s3:PutBucketPolicy", BACKUP), ending, |state| {
            let policy = &mut state.buckets.get_mut(BACKUP).unwrap().policy;
            let resource = format!("arn:aws:s3:::{BACKUP}/*");
            add_to(policy.as_mut().unwrap(), "s3:GetObject", &resource);
        });
        try_update(&of_bucket, &prior, &wanted).await.unwrap();
        assert!(of_bucket.struck.load(Ordering::SeqCst), "{ending:?}");
        let policy = cloud.state().buckets[BACKUP].policy.clone().unwrap();
        assert_eq!(theirs_in(&policy), 1, "{ending:?}");
        assert_eq!(drift_words(&cloud, &wanted).await, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_rival_writes_before_a_write_that_has_to_be_sent_again_stays_in_the_rules() {
    for ending in ENDINGS {
        let cloud = FakeCloud::new();
        let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
        let desired = desire(&spec, Some(&spec), LATER);
        let side = Side::Source;
        let mut graph = StepGraph::default();
        graph.push(
            ComponentId::Of(side.clone(), Part::Replication),
            spec.source.location.clone(),
            Action::EditBucketReplication {
                bucket: spec.source.name.to_string(),
                share: desired.directions[&side].replication.withdrawn(),
            },
            [],
        );
        {
            // Two rules, so that one is put and not everything deleted.
            let mut state = cloud.state();
            let source = state.buckets.get_mut(SOURCE).unwrap();
            let rules = &mut source.replication.as_mut().unwrap().rules;
            let mut first = rules[0].clone();
            first.id = "first".to_owned();
            first.priority = Some(70);
            rules.push(first);
        }
        let write = ("s3:PutBucketReplication", SOURCE);
        let of_rules = contested(&cloud, write, ending, |state| {
            let source = state.buckets.get_mut(SOURCE).unwrap();
            let rules = &mut source.replication.as_mut().unwrap().rules;
            let mut second = rules.last().unwrap().clone();
            second.id = "second".to_owned();
            second.priority = Some(71);
            rules.push(second);
        });
        let locks = DocumentLocks::default();
        let outcome = executor::run(&of_rules, &locks, &no_stop(), &graph).await;
        assert!(outcome.is_success(), "{ending:?}: {outcome:?}");
        assert!(of_rules.struck.load(Ordering::SeqCst), "{ending:?}");
        let rules = cloud.state().buckets[SOURCE].replication.clone().unwrap();
        let ids: Vec<String> = rules.rules.into_iter().map(|rule| rule.id).collect();
        assert_eq!(ids, ["first", "second"], "{ending:?}");
    }
}
