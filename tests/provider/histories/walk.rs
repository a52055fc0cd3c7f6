//! Plays a history, and holds what comes of it against a fresh create.

use std::collections::BTreeSet;

use futures::FutureExt as _;

use super::by_hand::is_foreign;
use super::setup::Setup;
use super::step::{History, Step, Struck};
use super::tally::Counts;
use super::world::{expected, lasting, world};
use crate::fake::State;
use crate::terraform::{Said, Terraform, differences};
use crate::unreliable::UnreliableCloud;

/// What went wrong.
pub type Wrong = String;

/// A history while it is played.
pub struct Walk {
    terraform: Terraform,
    /// Both accounts before anything of ours was there.
    empty: String,
    /// What was applied by a process that was killed: nobody was told what it made, so the same is applied until
    /// it is through.
    unfinished: Option<Setup>,
    /// What was applied last, while nothing else has happened.
    settled: Option<Setup>,
    pub counts: Counts,
}

/// How a command ended.
enum Ended {
    Well,
    Told(Said),
    Killed,
}

impl Walk {
    pub async fn new() -> Self {
        let terraform = world().await;
        Self {
            empty: lasting(&terraform),
            terraform,
            unfinished: None,
            settled: None,
            counts: Counts::default(),
        }
    }

    /// All of a history, then the configuration at its end, then a destroy.
    pub async fn play(&mut self, history: &History) -> Result<(), Wrong> {
        for (n, step) in history.steps.iter().enumerate() {
            let at = |wrong| format!("step {}: {wrong}", n + 1);
            self.take(step).await.map_err(at)?;
        }
        let last = Step::Apply(history.last.clone(), None);
        if self.unfinished.is_some() {
            let wrong = |wrong| format!("the same again: {wrong}");
            self.take(&last).await.map_err(wrong)?;
        }
        let at_last = |wrong| format!("at last: {wrong}");
        self.take(&last).await.map_err(at_last)?;
        self.converged(&history.last).await.map_err(at_last)?;
        let destroy = self.take(&Step::Destroy(None)).await;
        destroy.map_err(|wrong| format!("destroyed at last: {wrong}"))
    }

    async fn take(&mut self, step: &Step) -> Result<(), Wrong> {
        let foreign = with_foreign_statements(&self.terraform.cloud.aws.state());
        self.terraform.cloud.aws.state().writes.clear();
        self.terraform.cloud.take_succeeded();
        match step {
            Step::Apply(setup, struck) => {
                let setup = self.unfinished.clone().unwrap_or_else(|| setup.clone());
                self.apply(&setup, struck.as_ref()).await?;
            }
            Step::Destroy(struck) if self.unfinished.is_none() => {
                self.destroy(struck.as_ref()).await?
            }
            // Tags are all by which what a killed create made is known.
            Step::ByHand(_) if self.unfinished.is_some() && self.terraform.state.is_null() => {}
            Step::ByHand(by_hand) => {
                (by_hand.change)(&mut self.terraform.cloud.aws.state());
                self.settled = None;
                return Ok(());
            }
            Step::Import => self.import().await?,
            Step::Destroy(_) => {}
        }
        let aws = self.terraform.cloud.aws.state();
        if let Some(overlap) = aws.overlaps.first() {
            return Err(format!("at the same time as another write: {overlap}"));
        }
        for bucket in foreign {
            let gone = format!("DeleteBucket {bucket}");
            let lives_on = aws
                .buckets
                .get(&bucket)
                .filter(|_| !aws.writes.contains(&gone));
            let policy = lives_on.map(|bucket| bucket.policy.as_ref());
            if policy.is_some_and(|policy| !policy.is_some_and(is_foreign)) {
                return Err(format!("{bucket} has lost the statement of somebody else"));
            }
        }
        Ok(())
    }

    async fn apply(&mut self, setup: &Setup, struck: Option<&Struck>) -> Result<(), Wrong> {
        self.counts.applies += 1;
        self.settled = None;
        let ended = self.carry_out(setup, struck).await?;
        match ended {
            Ended::Well => {
                self.unfinished = None;
                self.settled = Some(setup.clone());
            }
            Ended::Told(said) if struck.is_none() => {
                return Err(format!("{:?} {:?}", said.errors, said.details));
            }
            Ended::Told(said) => {
                if self.terraform.state.is_null() && self.unfinished.is_none() {
                    self.is_empty()
                        .map_err(|wrong| format!("{wrong}, after {said:?}"))?;
                }
            }
            Ended::Killed => {
                self.unfinished = Some(setup.clone());
            }
        }
        Ok(())
    }

    /// Plans and applies, up to the moment when the process dies. One that dies while it plans leaves nothing behind.
    async fn carry_out(&mut self, setup: &Setup, struck: Option<&Struck>) -> Result<Ended, Wrong> {
        let config = setup.config();
        let cloud = self.terraform.cloud.clone();
        self.strike(struck);
        let stored = Stored::of(&self.terraform);
        let plan = or_death(&cloud, self.terraform.plan(&config)).await;
        let Some(plan) = plan else {
            stored.put_back(&mut self.terraform);
            self.struck();
            return Ok(Ended::Told(Said::default()));
        };
        if !plan.said.is_fine() || cloud.trap.is_interrupted() {
            self.struck();
            return Ok(Ended::Told(plan.said));
        }
        let planned = Stored::of(&self.terraform);
        let replaces = planned.0.tainted || !plan.replaced_by.is_empty();
        let said = or_death(&cloud, self.terraform.carry_out(plan, &config)).await;
        if said.is_none() {
            planned.put_back_killed(&mut self.terraform, replaces);
        }
        self.struck();
        if !replaces {
            // What a replacement deletes and makes again, its undo may delete once more.
            self.nothing_twice()?;
        }
        Ok(match said {
            None => Ended::Killed,
            Some(said) if said.is_fine() => Ended::Well,
            Some(said) => Ended::Told(said),
        })
    }

    async fn destroy(&mut self, struck: Option<&Struck>) -> Result<(), Wrong> {
        self.counts.destroys += 1;
        self.settled = None;
        self.strike(struck);
        let cloud = self.terraform.cloud.clone();
        let stored = Stored::of(&self.terraform);
        let said = or_death(&cloud, self.terraform.destroy()).await;
        self.struck();
        self.nothing_twice()?;
        let Some(said) = said else {
            stored.put_back(&mut self.terraform);
            return Ok(());
        };
        if said.is_fine() {
            return self.is_empty();
        }
        match struck {
            Some(_) => Ok(()),
            None => Err(format!("{:?} {:?}", said.errors, said.details)),
        }
    }

    /// Loses the state and imports, where the setup is one that was just applied.
    async fn import(&mut self) -> Result<(), Wrong> {
        let Some(setup) = self.settled.clone() else {
            return Ok(());
        };
        self.counts.imports += 1;
        let id = self.terraform.at("/import_id");
        let mut terraform = Terraform::over(self.terraform.cloud.clone());
        terraform.settings = self.terraform.settings.clone();
        terraform.planning_twice = false;
        self.terraform = terraform;
        let said = self.terraform.import(id.as_str().unwrap()).await;
        if !said.is_fine() {
            return Err(format!("{:?} {:?}", said.errors, said.details));
        }
        self.apply(&setup, None).await
    }

    /// After an apply: nothing is left to do, and everything is as a fresh create makes it.
    async fn converged(&mut self, setup: &Setup) -> Result<(), Wrong> {
        let plan = self.terraform.plan(&setup.config()).await;
        if !plan.said.is_fine() {
            return Err(format!(
                "the next plan: {:?} {:?}",
                plan.said.errors, plan.said.details
            ));
        }
        let differences = differences(&self.terraform.state, &plan.planned);
        if !differences.is_empty() {
            return Err(format!("the next plan is not empty: {differences:#?}"));
        }
        same(&lasting(&self.terraform), &expected(setup).await)
    }

    /// Nothing of ours is there.
    fn is_empty(&self) -> Result<(), Wrong> {
        same(&lasting(&self.terraform), &self.empty)
    }

    fn strike(&mut self, struck: Option<&Struck>) {
        if let Some(Struck { fault, nth, writes }) = struck {
            self.terraform.cloud.trap.set_nth(*nth, *writes, fault.1);
        }
    }

    /// Nothing strikes any more.
    fn struck(&mut self) {
        let (struck, _) = self.terraform.cloud.trap.take();
        self.counts.faults += usize::from(struck);
    }

    /// No write was sent again that had succeeded.
    fn nothing_twice(&self) -> Result<(), Wrong> {
        let succeeded = self.terraform.cloud.take_succeeded();
        for (n, write) in succeeded.iter().enumerate() {
            if succeeded[..n].contains(write) {
                return Err(format!("carried out twice: {}", write.2));
            }
        }
        Ok(())
    }
}

/// What Terraform has stored.
struct Stored(Terraform);

impl Stored {
    fn of(terraform: &Terraform) -> Self {
        let mut stored = Terraform::over(terraform.cloud.clone());
        copy(terraform, &mut stored);
        Self(stored)
    }

    fn put_back(&self, terraform: &mut Terraform) {
        copy(&self.0, terraform);
    }

    /// What Terraform keeps where an apply was not answered: of an update the state and not the private state, of a
    /// delete both, of a create nothing.
    fn put_back_killed(&self, terraform: &mut Terraform, replaces: bool) {
        let is_deleted = terraform.state.is_null();
        if replaces && is_deleted {
            return;
        }
        self.put_back(terraform);
        if !replaces {
            terraform.private.clear();
        }
    }
}

fn copy(from: &Terraform, to: &mut Terraform) {
    to.state = from.state.clone();
    to.private = from.private.clone();
    to.identity = from.identity.clone();
    to.tainted = from.tainted;
}

/// What comes of it, unless the process dies before.
async fn or_death<T>(cloud: &UnreliableCloud, command: impl Future<Output = T>) -> Option<T> {
    // What an earlier process died of is over.
    let _earlier = cloud.trap.died.notified().now_or_never();
    tokio::select! {
        biased;
        () = cloud.trap.died.notified() => None,
        ended = command => Some(ended),
    }
}

/// Buckets in whose policies somebody else has added a statement.
fn with_foreign_statements(aws: &State) -> BTreeSet<String> {
    let foreign = aws
        .buckets
        .iter()
        .filter(|(_, bucket)| bucket.policy.as_ref().is_some_and(is_foreign));
    foreign.map(|(name, _)| name.clone()).collect()
}

fn same(found: &str, wanted: &str) -> Result<(), Wrong> {
    let found: BTreeSet<&str> = found.lines().collect();
    let wanted: BTreeSet<&str> = wanted.lines().collect();
    let more: Vec<_> = found.difference(&wanted).collect();
    let less: Vec<_> = wanted.difference(&found).collect();
    match more.is_empty() && less.is_empty() {
        true => Ok(()),
        false => Err(format!("there is {more:#?} and not {less:#?}")),
    }
}
