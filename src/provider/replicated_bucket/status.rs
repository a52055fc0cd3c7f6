//! A setup as it is at AWS, and what of it keeps objects from crossing. No state tells it: an import ID does.

use std::collections::BTreeSet;

use super::attributes::existing;
use super::import::{ImportId, Intent, find};
use super::paths::side_path;
use super::read::{remember_locks, seen_over, stored_spec};
use super::{report, theirs};
use crate::execution::observe::{Purpose, known_to_state, observe};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::value::AttributePath;
use crate::provider::settings::Session;
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::desired::desire;
use crate::replication::diff::diff;
use crate::replication::observed::Observed;
use crate::replication::operation::RoleDescription;
use crate::replication::permission::undecided;
use crate::replication::spec::Spec;
use crate::replication::wiring::{Flaw, flaws};

/// Checks an ID with which a setup imports.
pub(in crate::provider) fn check_import_id(text: &str) -> Result<(), String> {
    ImportId::parse(text).map(drop)
}

/// A setup, and what is wrong with what replication needs.
pub(in crate::provider) struct Status {
    /// As it is.
    pub(in crate::provider) spec: Spec,
    /// What is wrong; nothing of accounts that cannot be entered.
    pub(in crate::provider) flaws: Vec<Flaw>,
    /// Sides whose role has policies that may not be read, so that what it grants cannot be told.
    pub(in crate::provider) unread: BTreeSet<Side>,
    /// The role by which the source replicates, where it is there.
    pub(in crate::provider) role: Option<RoleDescription>,
}

/// Looks at a setup that an import would find; none after an error.
pub(in crate::provider) async fn look(
    session: &Session,
    import_id: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Status> {
    let mut said = Diagnostics::new();
    let status = found(session, import_id, &mut said).await;
    diagnostics.extend(by_import_id(said));
    status
}

/// Whoever gives an import ID has none of the resource's attributes: what is told at one of them is told at the ID,
/// and the text names the attribute.
fn by_import_id(said: Diagnostics) -> Diagnostics {
    let import_id = AttributePath::root("import_id");
    let mut moved = Diagnostics::new();
    for mut diagnostic in said {
        if let Some(path) = diagnostic.path.take_if(|path| *path != import_id) {
            let told = format!("\n\nIn the resource this is at {path}.");
            diagnostic.detail.push_str(&told);
            diagnostic.path = Some(import_id.clone());
        }
        moved.push(diagnostic);
    }
    moved
}

async fn found(
    session: &Session,
    import_id: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Status> {
    let id = match ImportId::parse(import_id) {
        Ok(id) => id,
        Err(why) => {
            let path = AttributePath::root("import_id");
            diagnostics.error_at(path, "This is no import ID", why);
            return None;
        }
    };
    let (model, mut private) = find(session, id, Intent::Status, diagnostics).await?;
    let mut spec = private.recall(stored_spec(&model, session, diagnostics)?);
    let looked = observe(&*session.cloud, &spec, Purpose::Refresh, &known_to_state);
    let mut observed = match looked.await {
        Ok(observed) => observed,
        Err(errors) => {
            report::read_errors(&errors, diagnostics);
            return None;
        }
    };
    remember_locks(&mut private, &mut spec, &observed);
    // What is found counts as wanted, but for what replication needs.
    let model = seen_over(session, &model, &spec, &observed, &private);
    let spec = private.recall(stored_spec(&model, session, diagnostics)?);
    let (flaws, unread) = flaws_of(session, &spec, &mut observed).await;
    let role = observed.role(&Side::Source).present();
    Some(Status {
        role: role.map(|role| role.description.clone()),
        spec,
        flaws,
        unread,
    })
}

/// What is wrong with what replication needs, and sides whose role has policies that may not be read.
pub(super) async fn flaws_of(
    session: &Session,
    spec: &Spec,
    observed: &mut Observed,
) -> (Vec<Flaw>, BTreeSet<Side>) {
    let differences = diff(&desire(spec, None, ""), observed);
    let mut said = Diagnostics::new();
    if !spec.destinations.is_empty() {
        theirs::look(session, spec, observed, &mut said).await;
    }
    let notes = existing::notes(spec, observed);
    let mut flaws = flaws(spec, observed, &differences, notes);
    flaws.extend(of_existing_keys(spec, said));
    let unread = undecided(spec, observed);
    (flaws, unread)
}

/// What stands against keys of somebody else's.
fn of_existing_keys(spec: &Spec, said: Diagnostics) -> Vec<Flaw> {
    let side_of = |path: &AttributePath| {
        let mut sides = spec.buckets().map(|(side, _)| side);
        sides.find(|side| path.0.starts_with(&side_path(side).0))
    };
    let mut flaws = Vec::new();
    for diagnostic in said {
        let side = diagnostic.path.as_ref().and_then(side_of);
        let key = ComponentId::Of(side.unwrap_or(Side::Source), Part::Key);
        let flaw = Flaw::new(key, diagnostic.summary);
        if !flaws.contains(&flaw) {
            flaws.push(flaw);
        }
    }
    flaws
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_a_setup_stands_at_its_import_id_and_names_the_attribute() {
        let mut said = Diagnostics::new();
        let destination = side_path(&Side::Destination("backup".to_owned()));
        said.error_at(destination, "Not there", "No.");
        said.error_at(AttributePath::root("import_id"), "No import ID", "No.");
        said.warning("Note", "Well.");
        let moved: Vec<_> = by_import_id(said).into_iter().collect();
        let import_id = Some(AttributePath::root("import_id"));
        assert_eq!(
            moved[0].detail,
            "No.\n\nIn the resource this is at destinations[\"backup\"]."
        );
        assert_eq!(moved[1].detail, "No.");
        let paths: Vec<_> = moved.into_iter().map(|told| told.path).collect();
        assert_eq!(paths, [import_id.clone(), import_id, None]);
    }
}
