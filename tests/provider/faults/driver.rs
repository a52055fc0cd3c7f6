//! Runs one command under every fault at every call, and looks at what comes of it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use serde_json::Value as Json;

use super::fault::{FAULTS, Fault, Named};
use super::situation::Situation;
use super::tally::{Counts, Tally};
use super::trap::Position;
use crate::existing;
use crate::terraform::{Plan, Said, Terraform};

/// One command of Terraform.
pub enum Command {
    /// A plan with this configuration, and its apply.
    Apply(Json),
    /// The same with a write that AWS refuses: the calls in question are those after it.
    Refused(Json, &'static str),
    Read,
    Delete,
    /// Of what another state has.
    Import(&'static str),
}

/// What a row is about.
pub struct Setup {
    pub name: &'static str,
    /// Whether buckets, roles and rules of somebody else's are there.
    pub beside_others: bool,
}

/// A row of the table.
pub struct Row {
    pub setup: Setup,
    pub operation: &'static str,
    /// The configurations applied before, one after the other.
    pub before: Vec<Json>,
    pub command: Command,
}

/// What a row is held against.
struct Undisturbed {
    /// What of others is there anyway.
    of_others: Vec<String>,
    /// Before the command.
    start: Situation,
    /// After it.
    end: Situation,
    /// When it was planned and nothing is applied yet, where that is a moment of its own.
    planned: Option<(Situation, Plan)>,
    /// What is at AWS after a destroy, of what was there before the command and of what is there after it.
    destroyed: BTreeSet<String>,
    positions: Vec<(Phase, Position)>,
}

/// When a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// By a plan, or by a command that has none.
    First,
    /// By an apply.
    Applying,
}

impl Row {
    /// What is in force when the command has succeeded.
    fn config(&self) -> &Json {
        match &self.command {
            Command::Apply(config) | Command::Refused(config, _) => config,
            _ => self.before.last().unwrap(),
        }
    }

    /// The situation that it begins in, and what of others is there.
    async fn start(&self) -> (Situation, Vec<String>) {
        let mut terraform = match self.setup.beside_others {
            true => existing::beside_rules().await.0,
            false => Terraform::new(),
        };
        let of_others = Situation::of(&terraform).unnamed();
        for config in &self.before {
            terraform.converge(config).await;
        }
        if self.may_hold_objects() {
            let mut aws = terraform.cloud.aws.state();
            for bucket in aws.buckets.values_mut() {
                bucket.put_object("deed");
                bucket.uploads.push(("draft".to_owned(), "u0".to_owned()));
            }
        }
        if let Command::Import(id) = self.command {
            assert_eq!(terraform.at("/import_id"), id);
            terraform = Terraform::over(terraform.cloud.clone());
        }
        (Situation::of(&terraform), of_others)
    }

    /// Has Terraform carry it out, up to an apply.
    async fn begin(&self, terraform: &mut Terraform) -> (Said, Option<Plan>) {
        match &self.command {
            Command::Apply(config) | Command::Refused(config, _) => {
                let plan = terraform.plan(config).await;
                let goes_on = plan.said.is_fine() && !terraform.cloud.trap.is_interrupted();
                (plan.said.clone(), goes_on.then_some(plan))
            }
            Command::Read => (terraform.plan(self.config()).await.said, None),
            Command::Delete => (terraform.destroy().await, None),
            // What is in the state cannot be imported a second time.
            Command::Import(_) if !terraform.state.is_null() => (Said::default(), None),
            Command::Import(id) => (terraform.import(id).await, None),
        }
    }

    /// Has Terraform carry it out.
    async fn carry_out(&self, terraform: &mut Terraform) -> Said {
        match self.begin(terraform).await {
            (_, Some(plan)) => terraform.carry_out(plan, self.config()).await,
            (said, None) => said,
        }
    }

    /// Whether every bucket that is there may hold something: a destroy without `force_destroy` is refused then.
    fn may_hold_objects(&self) -> bool {
        let is_forced = || self.config().to_string().contains("force_destroy");
        !matches!(self.command, Command::Delete) || self.setup.beside_others || is_forced()
    }

    /// Takes all of it down. Where Terraform would refuse because of what the buckets hold, a person empties them before.
    async fn take_down(&self, situation: &Situation) -> (Said, String) {
        let mut terraform = situation.resume();
        if !matches!(self.command, Command::Delete) && !self.setup.beside_others {
            let mut aws = terraform.cloud.aws.state();
            for bucket in aws.buckets.values_mut() {
                bucket.versions.clear();
            }
        }
        let said = terraform.destroy().await;
        (said, Situation::of(&terraform).at_aws())
    }

    /// Whether it changes what is there already.
    fn is_update(&self) -> bool {
        let applies = matches!(self.command, Command::Apply(_) | Command::Refused(..));
        applies && !self.before.is_empty()
    }

    /// Runs it, and prints its line.
    pub fn run(self) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(self.run_all());
    }

    async fn run_all(self) {
        let undisturbed = self.undisturbed().await;
        let table = Table {
            row: &self,
            undisturbed: &undisturbed,
            seen: RefCell::default(),
        };
        let mut tally = Tally::default();
        for named in FAULTS {
            for (phase, position) in &undisturbed.positions {
                table.disturb(named, (*phase, position), &mut tally).await;
            }
        }
        let name = format!("{} {}", self.operation, self.setup.name);
        tally.print(&name, undisturbed.positions.len());
        assert!(tally.findings.is_empty(), "{}", tally.findings.join("\n"));
    }

    async fn undisturbed(&self) -> Undisturbed {
        let (start, of_others) = self.start().await;
        let mut terraform = start.resume();
        let (mut said, plan) = self.begin(&mut terraform).await;
        let (_, first) = terraform.cloud.trap.take();
        let planned = plan.map(|plan| (Situation::of(&terraform), plan));
        if let Some((_, plan)) = &planned {
            said = terraform.carry_out(plan.clone(), self.config()).await;
        }
        assert_eq!(said.errors, Vec::<String>::new());
        let (_, applying) = terraform.cloud.trap.take();
        let end = Situation::of(&terraform);
        let mut destroyed = BTreeSet::new();
        for moment in [&start, &end] {
            if moment.has_state() {
                let (said, left) = self.take_down(moment).await;
                assert_eq!(said.errors, Vec::<String>::new());
                destroyed.insert(left);
            }
        }
        if !end.has_state() {
            destroyed.insert(end.at_aws());
        }
        let first = first.into_iter().map(|at| (Phase::First, at));
        // How often a canary is looked at is a matter of chance.
        let is_sure = |at: &Position| !at.call.starts_with("HeadObject ") || at.nth <= 3;
        let applying = applying.into_iter().filter(is_sure);
        let applying = applying.map(|at| (Phase::Applying, at));
        let positions = match (&self.command, &planned) {
            (Command::Refused(_, write), Some((moment, plan))) => {
                self.after_refusal(write, moment, plan).await
            }
            _ => first.chain(applying).collect(),
        };
        Undisturbed {
            of_others,
            start,
            end,
            planned,
            destroyed,
            positions,
        }
    }
}

impl Row {
    /// The calls of an apply after a write that was refused.
    async fn after_refusal(
        &self,
        write: &str,
        planned: &Situation,
        plan: &Plan,
    ) -> Vec<(Phase, Position)> {
        let mut terraform = planned.resume();
        terraform.cloud.refuse(write);
        let said = terraform.carry_out(plan.clone(), self.config()).await;
        assert!(!said.is_fine(), "{write} is not made");
        let (_, all) = terraform.cloud.trap.take();
        let refused = all.iter().position(|at| at.call.starts_with(write));
        let after = all.into_iter().skip(refused.unwrap() + 1);
        after
            // How often the refused write is tried is a matter of chance.
            .filter(|at| !at.call.starts_with(write))
            .map(|at| (Phase::Applying, at))
            .collect()
    }
}

/// A row while it runs.
struct Table<'a> {
    row: &'a Row,
    undisturbed: &'a Undisturbed,
    /// What was looked into already: from moments that are told alike things go on alike.
    seen: RefCell<BTreeSet<String>>,
}

impl Table<'_> {
    async fn disturb(&self, (name, fault): Named, at: (Phase, &Position), tally: &mut Tally) {
        let (operation, setup) = (self.row.operation, self.row.setup.name);
        let place = format!("{operation} {setup}: {name} at {} ({:?})", at.1, at.0);
        let looked = AssertUnwindSafe(self.look(fault, at)).catch_unwind().await;
        let findings = match looked {
            Ok(findings) => findings,
            Err(panic) => {
                let words = panic.downcast_ref::<String>().cloned();
                vec![Finding::NotConverged(words.unwrap_or_else(|| {
                    format!("{:?}", panic.downcast_ref::<&str>())
                }))]
            }
        };
        let is = |wanted: fn(&Finding) -> bool| findings.iter().any(wanted);
        tally.count(
            name,
            Counts {
                tried: 1,
                converged: usize::from(!is(|f| matches!(f, Finding::NotConverged(_)))),
                orphans: usize::from(is(|f| matches!(f, Finding::Orphan(_)))),
                wrong_states: usize::from(is(|f| matches!(f, Finding::WrongState(_)))),
            },
        );
        let findings = findings.iter().map(|finding| format!("{place}: {finding}"));
        tally.findings.extend(findings);
    }

    /// The command with a fault, and what comes after it.
    async fn look(&self, fault: Fault, at: (Phase, &Position)) -> Vec<Finding> {
        let (after, said) = self.strike(fault, at).await;
        let mut findings = self.of_state(said.as_ref(), &after);
        // What a destroy took away before it failed shows with the next refresh, as everywhere in Terraform; and a create
        // that cannot tell whether a lost call was carried out says that it was.
        let looked = said.as_ref().is_some_and(has_looked);
        if self.row.is_update() && looked && after.has_state() && self.is_new("true", &after) {
            findings.extend(self.of_refresh(&after).await);
        }
        if self.is_new("again", &after) {
            findings.extend(self.again(&after).await);
        }
        // What a killed update made, nobody was told of: the same command takes it over, a destroy cannot.
        let is_told = said.is_some() || !self.row.is_update();
        if is_told && after.has_state() && self.is_new("destroyed", &after) {
            findings.extend(self.destroyed(&after).await);
        }
        findings
    }

    fn is_new(&self, what: &str, situation: &Situation) -> bool {
        let told = format!("{what}\n{}", situation.told());
        self.seen.borrow_mut().insert(told)
    }

    /// Carries the command out until it ends or the process dies, and does what Terraform then does. What was said, if
    /// anything was.
    async fn strike(
        &self,
        fault: Fault,
        (phase, position): (Phase, &Position),
    ) -> (Situation, Option<Said>) {
        let (start, plan) = match (phase, &self.undisturbed.planned) {
            (Phase::Applying, Some((planned, plan))) => (planned, Some(plan.clone())),
            _ => (&self.undisturbed.start, None),
        };
        let mut terraform = start.resume();
        let cloud = terraform.cloud.clone();
        cloud.trap.set(position, fault);
        if let Command::Refused(_, write) = self.row.command {
            cloud.refuse(write);
        }
        let said = tokio::select! {
            biased;
            () = cloud.trap.died.notified() => None,
            said = async {
                match plan {
                    Some(plan) => terraform.carry_out(plan, self.row.config()).await,
                    None => self.row.carry_out(&mut terraform).await,
                }
            } => Some(said),
        };
        let (struck, _) = cloud.trap.take();
        assert!(struck, "the call was not made");
        if said.is_none() && phase == Phase::Applying {
            // Of an update that nobody answered Terraform keeps the state, and forgets the private state.
            terraform.private.clear();
        }
        let is_whole = said.as_ref().is_some_and(|said| said.warnings.is_empty());
        if matches!(self.row.command, Command::Import(_)) && !is_whole {
            // Of an import that never ended Terraform keeps nothing, nor does a person of one that says what it lacks.
            terraform = Terraform::over(cloud);
        }
        (Situation::of(&terraform), said)
    }

    /// What is stored names everything that is there; without a state nothing is.
    fn of_state(&self, said: Option<&Said>, after: &Situation) -> Vec<Finding> {
        if said.is_none_or(Said::is_fine) {
            return Vec::new();
        }
        if after.has_state() {
            let mut unnamed = after.unnamed();
            unnamed.retain(|name| !self.undisturbed.of_others.contains(name));
            return unnamed.into_iter().map(Finding::WrongState).collect();
        }
        let is_as_before = after.at_aws() == self.undisturbed.start.at_aws();
        let left = (!is_as_before).then(|| Finding::Orphan(after.at_aws()));
        left.into_iter().collect()
    }

    /// What is stored is what is there: a refresh changes nothing in it.
    async fn of_refresh(&self, after: &Situation) -> Option<Finding> {
        let mut terraform = after.resume();
        let said = terraform.refresh().await;
        if !said.is_fine() {
            let why = format!("refreshed: {:?} {:?}", said.errors, said.details);
            return Some(Finding::NotConverged(why));
        }
        let (found, told) = (Situation::of(&terraform).values(), after.values());
        let is_other = found != told;
        is_other.then(|| Finding::WrongState(format!("told {told}\nwhere there is {found}")))
    }

    /// The same command succeeds, and all is as if nothing had happened.
    async fn again(&self, after: &Situation) -> Vec<Finding> {
        let mut terraform = after.resume();
        let said = self.row.carry_out(&mut terraform).await;
        if !said.is_fine() {
            let why = format!("{:?} {:?}", said.errors, said.details);
            return vec![Finding::NotConverged(why)];
        }
        let (end, wanted) = (Situation::of(&terraform), &self.undisturbed.end);
        let mut findings = Vec::new();
        findings.extend(different("at AWS", &end.at_aws(), &wanted.at_aws()));
        findings.extend(different("in the state", &end.stored(), &wanted.stored()));
        let aws = &end.aws;
        let noise = [&aws.ungranted, &aws.overlaps].into_iter().flatten();
        findings.extend(noise.map(|what| Finding::NotConverged(what.clone())));
        if end.has_state() && self.is_new("settled", &end) {
            terraform.assert_settled(self.row.config()).await;
            findings.extend(self.destroyed(&end).await);
        }
        findings
    }

    /// A destroy leaves nothing.
    async fn destroyed(&self, situation: &Situation) -> Vec<Finding> {
        let (said, left) = self.row.take_down(situation).await;
        if !said.is_fine() {
            let why = format!("destroyed: {:?} {:?}", said.errors, said.details);
            return vec![Finding::NotConverged(why)];
        }
        match self.undisturbed.destroyed.contains(&left) {
            true => Vec::new(),
            false => vec![Finding::Orphan(format!("destroyed: {left}"))],
        }
    }
}

/// Whether a command that failed could look at everything once more.
fn has_looked(said: &Said) -> bool {
    let unseen = |detail: &String| detail.contains("could not be looked at");
    let mut told = said.details.iter().chain(&said.warning_details);
    !said.is_fine() && !told.any(unseen)
}

/// What is not as it should be.
enum Finding {
    NotConverged(String),
    Orphan(String),
    WrongState(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConverged(what) => write!(f, "not converged: {what}"),
            Self::Orphan(what) => write!(f, "orphaned: {what}"),
            Self::WrongState(what) => write!(f, "the state does not name {what}"),
        }
    }
}

fn different(what: &str, found: &str, wanted: &str) -> Option<Finding> {
    if found == wanted {
        return None;
    }
    let wanted: BTreeSet<&str> = wanted.lines().collect();
    let found_lines: BTreeSet<&str> = found.lines().collect();
    let more: Vec<_> = found_lines.difference(&wanted).collect();
    let less: Vec<_> = wanted.difference(&found_lines).collect();
    Some(Finding::NotConverged(format!(
        "{what}: {more:?} and not {less:?}"
    )))
}
