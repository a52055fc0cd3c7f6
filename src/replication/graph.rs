//! The steps of one run as a graph: what is done, and what must be done before it.
//!
//! The graph is data. It prints as text, so a plan can be read and kept as a golden file, and it is complete
//! before anything runs: the executor chooses nothing.

use std::collections::BTreeSet;
use std::fmt;

use super::component::ComponentId;
use super::ids::Location;
use super::operation::{Input, ManagedPolicyOperation, Operation, Query, ReplicationConfiguration};
use super::policy::PolicyShare;
use super::rules_share::RulesShare;
use super::tag_change::TagChange;

/// Position of a step in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub usize);

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is about.
    pub component: ComponentId,
    /// Where it is done.
    pub at: Location,
    /// What is done.
    pub action: Action,
    /// Steps that must have succeeded before.
    pub after: BTreeSet<StepId>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// One call.
    Call(Operation),
    /// Puts our statements into a bucket's policy and leaves everybody else's as they are.
    EditBucketPolicy {
        /// The bucket.
        bucket: String,
        /// The change.
        edit: PolicyEdit,
    },
    /// Puts our statements into a key's policy and leaves everybody else's as they are.
    EditKeyPolicy {
        /// The key.
        key: Input<String>,
        /// The change.
        edit: PolicyEdit,
    },
    /// Puts our rules into a bucket's replication configuration and leaves everybody else's as they are.
    EditBucketReplication {
        /// The bucket.
        bucket: String,
        /// Our rules; none takes them away.
        share: RulesShare,
    },
    /// Changes a bucket's tags: all at once, or key by key where the bucket takes them only so.
    EditBucketTags {
        /// The bucket.
        bucket: String,
        /// The change.
        change: TagChange,
    },
    /// Reads until what was written shows.
    Await {
        /// What is read.
        query: Query,
        /// What it must show.
        until: Condition,
    },
    /// Deletes a bucket that holds nothing, or nothing but canaries.
    DeleteBucket {
        /// The bucket.
        bucket: String,
        /// Whose canaries may be in it, and go.
        owner: String,
    },
    /// Deletes a bucket with every version, delete marker and unfinished upload in it.
    EmptyAndDeleteBucket {
        /// The bucket.
        bucket: String,
        /// Whether versions retained in governance mode go, too.
        bypass_governance_retention: bool,
    },
}

impl Action {
    /// The edit of a document that others write too, as it is made again at the end of a run; None of what nobody else
    /// writes, or not yet.
    pub fn again(&self) -> Option<Self> {
        let mut action = self.clone();
        match &mut action {
            Self::EditBucketPolicy { edit, .. } | Self::EditKeyPolicy { edit, .. } => {
                edit.rewrite = false;
                (!edit.fresh).then_some(action)
            }
            Self::EditBucketReplication { .. } => Some(action),
            _ => None,
        }
    }

    /// Whether both edit one document that others write too.
    pub fn edits_same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::EditBucketPolicy { bucket, .. },
                Self::EditBucketPolicy { bucket: other, .. },
            )
            | (
                Self::EditBucketReplication { bucket, .. },
                Self::EditBucketReplication { bucket: other, .. },
            ) => bucket == other,
            (Self::EditKeyPolicy { key, .. }, Self::EditKeyPolicy { key: other, .. }) => {
                key == other
            }
            _ => false,
        }
    }
}

/// A change of a shared policy document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyEdit {
    /// What the owner wants in the document; a share of nothing removes what is there.
    pub share: PolicyShare,
    /// Whether the bucket or key was made in this very run, so that there is nothing to read before.
    pub fresh: bool,
    /// Whether to write even what looks the same: the role was made again, and AWS keeps its id, not its name.
    pub rewrite: bool,
}

/// What a read must show before the run goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Exactly this text.
    Shows(&'static str),
    /// These rules and no others: until then those of before are in force.
    ShowsRules(ReplicationConfiguration),
    /// The thing is gone.
    Gone,
}

/// Steps with their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepGraph {
    steps: Vec<Step>,
}

impl StepGraph {
    /// Adds a step; edges from the outputs that it needs are added by itself.
    pub fn push(
        &mut self,
        component: ComponentId,
        at: Location,
        action: Action,
        after: impl IntoIterator<Item = StepId>,
    ) -> StepId {
        let id = StepId(self.steps.len());
        let mut after: BTreeSet<StepId> = after.into_iter().filter(|step| *step < id).collect();
        for needed in action.needs() {
            after.extend(self.maker_of(&needed));
        }
        self.steps.push(Step {
            component,
            at,
            action,
            after,
        });
        id
    }

    /// The step that makes a component (bucket, key or role), if this graph does.
    pub fn maker_of(&self, component: &ComponentId) -> Option<StepId> {
        self.steps
            .iter()
            .position(|s| s.component == *component && s.action.creates())
            .map(StepId)
    }

    /// The steps in the order in which they were added; an order in which they could run one by one.
    pub fn steps(&self) -> impl Iterator<Item = (StepId, &Step)> {
        self.steps.iter().enumerate().map(|(i, s)| (StepId(i), s))
    }

    /// One step.
    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.get(id.0)
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Number of steps on the longest chain: the least number of round trips.
    pub fn depth(&self) -> usize {
        let mut depths: Vec<usize> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let before = step.after.iter().map(|id| depths[id.0]).max().unwrap_or(0);
            depths.push(before + 1);
        }
        depths.into_iter().max().unwrap_or(0)
    }
}

impl fmt::Display for StepGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, step) in self.steps() {
            write!(f, "{:>2} {}: {}", id.0, step.component, step.action)?;
            if !step.after.is_empty() {
                let after: Vec<String> = step.after.iter().map(|id| id.0.to_string()).collect();
                write!(f, " (after {})", after.join(", "))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Action {
    /// Whether it makes something that was not there, so that an undo has to take it away.
    pub fn creates(&self) -> bool {
        matches!(
            self,
            Self::Call(
                Operation::CreateBucket { .. }
                    | Operation::CreateKey { .. }
                    | Operation::CreateRole { .. }
                    | Operation::CreateAlias { .. }
                    | Operation::ManagedPolicy(ManagedPolicyOperation::Create { .. })
            )
        )
    }

    /// Components whose output it needs.
    fn needs(&self) -> Vec<ComponentId> {
        let of = |input: &Input<String>| match input {
            Input::OutputOf(component) => vec![component.clone()],
            _ => Vec::new(),
        };
        match self {
            Self::Call(operation) => operation.inputs().into_iter().flat_map(of).collect(),
            Self::EditKeyPolicy { key, .. } => of(key),
            Self::EditBucketReplication { share, .. } => {
                share.inputs().into_iter().flat_map(of).collect()
            }
            Self::EditBucketPolicy { .. }
            | Self::EditBucketTags { .. }
            | Self::Await { .. }
            | Self::DeleteBucket { .. }
            | Self::EmptyAndDeleteBucket { .. } => Vec::new(),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sids = |edit: &PolicyEdit| {
            let share = &edit.share;
            let wanted = share.ours.iter().chain(&share.written);
            let sids: Vec<&str> = wanted.map(|s| s.name().unwrap_or("(no Sid)")).collect();
            if sids.is_empty() {
                "nothing".to_owned()
            } else {
                sids.join(", ")
            }
        };
        match self {
            Self::Call(operation) => write!(f, "{operation}"),
            Self::EditBucketPolicy { bucket, edit } => {
                write!(f, "EditBucketPolicy {bucket}: {}", sids(edit))
            }
            Self::EditKeyPolicy { key, edit } => {
                write!(f, "EditKeyPolicy {key}: {}", sids(edit))
            }
            Self::EditBucketReplication { bucket, share } => {
                let ids: Vec<&str> = share.rules.iter().map(|rule| rule.id.as_str()).collect();
                let rules = if ids.is_empty() {
                    "nothing".to_owned()
                } else {
                    ids.join(", ")
                };
                write!(f, "EditBucketReplication {bucket}: {rules}")
            }
            Self::EditBucketTags { bucket, change } => {
                let set = change.set().keys().map(|key| format!("+{key}"));
                let unset = change.unset().iter().map(|key| format!("-{key}"));
                let keys: Vec<String> = set.chain(unset).collect();
                write!(f, "EditBucketTags {bucket}: {}", keys.join(", "))
            }
            Self::Await { query, until } => match until {
                Condition::Shows(text) => write!(f, "Await {query} = {text}"),
                Condition::ShowsRules(_) => write!(f, "Await {query}"),
                Condition::Gone => write!(f, "Await {query} is gone"),
            },
            Self::DeleteBucket { bucket, .. } => write!(f, "DeleteBucket {bucket}"),
            Self::EmptyAndDeleteBucket {
                bucket,
                bypass_governance_retention,
            } => {
                let bypass = if *bypass_governance_retention {
                    ", bypassing governance retention"
                } else {
                    ""
                };
                write!(f, "EmptyAndDeleteBucket {bucket}{bypass}")
            }
        }
    }
}
