//! A cloud with accounts that let nobody in and writes that fail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use terraform_provider_replicated::execution::cloud::{CallError, CallErrorKind, Cloud, Identity};
use terraform_provider_replicated::replication::ids::{AccountId, Location, Region, WayIn};
use terraform_provider_replicated::replication::operation::{Answer, Operation, Output, Query};

use crate::fake::{FakeCloud, State};
use crate::faults::trap::{Passing, Trap};
use crate::recorded::{Call, Recorded};

/// A [`FakeCloud`] on which things can be made to fail.
#[derive(Default)]
pub struct UnreliableCloud {
    pub aws: FakeCloud,
    /// What strikes at one chosen call.
    pub trap: Trap,
    troubles: Mutex<Troubles>,
    /// What somebody else does after a write.
    meddler: Mutex<Option<Meddler>>,
    /// Every call since a test asked for them.
    record: Mutex<Option<Vec<Recorded>>>,
}

/// Told each write that was carried out, as the fake tells it, with what is there.
type Meddler = Box<dyn FnMut(&str, &mut State) + Send>;

#[derive(Default)]
struct Troubles {
    closed: BTreeSet<String>,
    barred: BTreeSet<String>,
    landing: Option<AccountId>,
    /// After so many that succeed.
    refused: BTreeMap<String, usize>,
    busy: BTreeSet<String>,
    silent: BTreeMap<String, usize>,
    queries: Vec<(String, String)>,
    writes: Vec<Write>,
    succeeded: Vec<(AccountId, Region, Operation)>,
}

impl Troubles {
    /// Where a way leads that did not lead there before.
    fn landed(&self, way_in: &WayIn) -> Option<&AccountId> {
        self.landing
            .as_ref()
            .filter(|_| way_in.assume_role.is_empty())
    }
}

/// A write that was tried, whatever came of it.
pub struct Write {
    pub account: String,
    pub region: String,
    /// As the fake tells it: `CreateBucket acme-archive`.
    pub what: String,
}

impl UnreliableCloud {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// An AWS that holds something already.
    pub fn holding(aws: State) -> Arc<Self> {
        Arc::new(Self {
            aws: FakeCloud::holding(aws),
            ..Self::default()
        })
    }

    /// From now on nobody gets into this account.
    pub fn close(&self, account: &str) {
        let mut troubles = self.troubles.lock().unwrap();
        troubles.closed.insert(account.to_owned());
    }

    /// From now on nobody gets in by this role or profile.
    pub fn bar(&self, way: &str) {
        let mut troubles = self.troubles.lock().unwrap();
        troubles.barred.insert(way.to_owned());
    }

    /// From now on whoever assumes no role is in this account.
    pub fn land_in(&self, account: &str) {
        let account = AccountId::parse(account).unwrap();
        self.troubles.lock().unwrap().landing = Some(account);
    }

    /// From now on this write or question fails, told as the fake tells it: `CreateBucket acme-archive`.
    pub fn refuse(&self, write: &str) {
        self.refuse_after(write, 0);
    }

    /// The same after so many that succeed.
    pub fn refuse_after(&self, write: &str, after: usize) {
        let mut troubles = self.troubles.lock().unwrap();
        troubles.refused.insert(write.to_owned(), after);
    }

    /// From now on something else keeps this write from being carried out: `CreateBucket acme-archive`.
    pub fn keep_busy(&self, write: &str) {
        let mut troubles = self.troubles.lock().unwrap();
        troubles.busy.insert(write.to_owned());
    }

    /// After so many answers this question is never answered again: `GetBucketPolicy acme-archive`.
    pub fn silence(&self, question: &str, after: usize) {
        let mut troubles = self.troubles.lock().unwrap();
        troubles.silent.insert(question.to_owned(), after);
    }

    /// From now on somebody else does this after each write that was carried out.
    pub fn meddle(&self, meddler: impl FnMut(&str, &mut State) + Send + 'static) {
        *self.meddler.lock().unwrap() = Some(Box::new(meddler));
    }

    /// Everything works again.
    pub fn recover(&self) {
        let mut troubles = self.troubles.lock().unwrap();
        troubles.closed.clear();
        troubles.barred.clear();
        troubles.landing = None;
        troubles.refused.clear();
        troubles.busy.clear();
        troubles.silent.clear();
    }

    /// From now on every call is recorded whole; those recorded until now.
    pub fn record(&self) -> Vec<Recorded> {
        let mut record = self.record.lock().unwrap();
        record.replace(Vec::new()).unwrap_or_default()
    }

    fn made(&self, at: Option<&Location>, call: impl FnOnce() -> Call) {
        if let Some(record) = self.record.lock().unwrap().as_mut() {
            record.push(Recorded::of(at, call(), &self.aws.state()));
        }
    }

    /// Every question since the last time, as account and question.
    pub fn take_queries(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.troubles.lock().unwrap().queries)
    }

    /// Every write since the last time.
    pub fn take_writes(&self) -> Vec<Write> {
        std::mem::take(&mut self.troubles.lock().unwrap().writes)
    }

    /// Every write since the last time whose success was told, and where it was made.
    pub fn take_succeeded(&self) -> Vec<(AccountId, Region, Operation)> {
        std::mem::take(&mut self.troubles.lock().unwrap().succeeded)
    }

    /// Whether a way does not lead into an account, or not any more.
    fn is_closed(&self, account: &AccountId, way_in: &WayIn) -> bool {
        let troubles = self.troubles.lock().unwrap();
        let roles = way_in.assume_role.iter().map(|role| &role.role_arn);
        let mut steps = way_in.profile.iter().chain(roles);
        troubles.closed.contains(account.as_str())
            || steps.any(|step| troubles.barred.contains(step))
            || troubles
                .landed(way_in)
                .is_some_and(|landed| landed != account)
    }

    fn is_closed_at(&self, at: &Location) -> bool {
        self.is_closed(&at.account, &at.way_in)
    }
}

#[async_trait]
impl Cloud for UnreliableCloud {
    async fn enter(&self, way_in: &WayIn, region: &Region) -> Result<Identity, CallError> {
        let identity = self.aws.enter(way_in, region).await?;
        let role = way_in.assume_role.last().map(|role| role.role_arn.clone());
        let (call, subject) = match role {
            Some(role) => ("sts:AssumeRole", role),
            None => ("sts:GetCallerIdentity", "the caller".to_owned()),
        };
        let passing = Passing {
            call,
            words: format!("{call} {subject}"),
            subject,
            account: identity.account,
            region: region.clone(),
            writes: false,
        };
        self.trap.pass(passing, self.entered(way_in, region)).await
    }

    async fn query(&self, at: &Location, query: &Query) -> Result<Answer, CallError> {
        let passing = Passing {
            call: query.call(),
            subject: query.subject().to_owned(),
            words: query.to_string(),
            account: at.account.clone(),
            region: at.region.clone(),
            writes: false,
        };
        self.trap.pass(passing, self.asked(at, query)).await
    }

    async fn perform(&self, at: &Location, operation: &Operation) -> Result<Output, CallError> {
        let passing = Passing {
            call: operation.call(),
            subject: operation.subject(),
            words: operation.to_string(),
            account: at.account.clone(),
            region: at.region.clone(),
            writes: true,
        };
        let answer = self.trap.pass(passing, self.performed(at, operation)).await;
        if answer.is_ok() {
            let succeeded = (at.account.clone(), at.region.clone(), operation.clone());
            self.troubles.lock().unwrap().succeeded.push(succeeded);
        }
        answer
    }
}

impl UnreliableCloud {
    async fn entered(&self, way_in: &WayIn, region: &Region) -> Result<Identity, CallError> {
        self.made(None, || Call::Enter(way_in.clone()));
        let mut identity = self.aws.enter(way_in, region).await?;
        if let Some(landed) = self.troubles.lock().unwrap().landed(way_in) {
            identity.account = landed.clone();
        }
        if self.is_closed(&identity.account, way_in) {
            return Err(denied("sts:AssumeRole", "the role", None));
        }
        Ok(identity)
    }

    async fn asked(&self, at: &Location, query: &Query) -> Result<Answer, CallError> {
        self.made(Some(at), || Call::Query(query.clone()));
        let asked = (at.account.to_string(), query.to_string());
        let (refused, silent) = {
            let mut troubles = self.troubles.lock().unwrap();
            troubles.queries.push(asked);
            let question = query.to_string();
            (
                is_due(troubles.refused.get_mut(&question)),
                is_due(troubles.silent.get_mut(&question)),
            )
        };
        if silent {
            return std::future::pending().await;
        }
        if refused || self.is_closed_at(at) {
            return Err(denied(query.call(), query.subject(), Some(at)));
        }
        self.aws.query(at, query).await
    }

    async fn performed(&self, at: &Location, operation: &Operation) -> Result<Output, CallError> {
        self.made(Some(at), || Call::Operation(operation.clone()));
        let (refused, busy) = {
            let what = operation.to_string();
            let mut troubles = self.troubles.lock().unwrap();
            let refused = is_due(troubles.refused.get_mut(&what));
            let found = (refused, troubles.busy.contains(&what));
            troubles.writes.push(Write {
                account: at.account.to_string(),
                region: at.region.to_string(),
                what,
            });
            found
        };
        if busy {
            let error = denied(operation.call(), &operation.subject(), Some(at));
            return Err(CallError {
                kind: CallErrorKind::Conflict,
                code: Some("OperationAborted".to_owned()),
                message: "somebody is at it".to_owned(),
                ..error
            });
        }
        if refused || self.is_closed_at(at) {
            return Err(denied(operation.call(), &operation.subject(), Some(at)));
        }
        let output = self.aws.perform(at, operation).await?;
        if let Some(meddler) = self.meddler.lock().unwrap().as_mut() {
            meddler(&operation.to_string(), &mut self.aws.state());
        }
        Ok(output)
    }
}

/// Whether a trouble is there now; otherwise it has come one nearer.
fn is_due(left: Option<&mut usize>) -> bool {
    match left {
        Some(0) => true,
        Some(left) => {
            *left -= 1;
            false
        }
        None => false,
    }
}

fn denied(call: &str, subject: &str, at: Option<&Location>) -> CallError {
    CallError {
        kind: CallErrorKind::AccessDenied,
        call: call.to_owned(),
        subject: subject.to_owned(),
        account: at.map(|at| at.account.clone()),
        region: at.map(|at| at.region.clone()),
        code: Some("AccessDenied".to_owned()),
        message: "no way in".to_owned(),
        request_id: None,
    }
}
