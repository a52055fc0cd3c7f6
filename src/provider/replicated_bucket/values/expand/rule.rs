//! The rules of a destination.

use std::collections::BTreeMap;

use super::{Incomplete, known, optional, small};
use crate::framework::model::Attr;
use crate::provider::replicated_bucket::model::{FilterModel, RuleModel, SideModel};
use crate::replication::operation::RuleFilter;
use crate::replication::spec::RuleSpec;

/// A worked-out destination's rules by name.
pub(crate) fn rules(side: &SideModel) -> Result<BTreeMap<String, RuleSpec>, Incomplete> {
    let ids = known(&side.rule_ids)?;
    let stated = side.stated_rules().ok_or(Incomplete::Unknown)?;
    let bucket_key = side.kms_key_arn.known();
    stated
        .into_iter()
        .map(|(name, stated)| {
            let id = known(ids.get(&name).ok_or(Incomplete::Unknown)?)?.clone();
            let mut rule = rule(known(&stated)?, id)?;
            // A destination that is paused pauses all its rules.
            rule.enabled &= *known(&side.enabled)?;
            // The bucket's own key stays that also where a rule names it.
            rule.replica_kms_key = rule.replica_kms_key.filter(|arn| Some(arn) != bucket_key);
            Ok((name, rule))
        })
        .collect()
}

fn rule(model: &RuleModel, id: String) -> Result<RuleSpec, Incomplete> {
    Ok(RuleSpec {
        id,
        priority: small(known(&model.priority)?),
        enabled: *known(&model.enabled)?,
        filter: filter(&model.filter)?,
        storage_class: optional(&model.storage_class)?,
        delete_marker_replication: *known(&model.delete_marker_replication)?,
        replica_modification_sync: *known(&model.replica_modification_sync)?,
        replication_time_control: *known(&model.replication_time_control)?,
        metrics: *known(&model.metrics)?,
        owner_override: *known(&model.owner_override)?,
        replicate_encrypted_objects: *known(&model.replicate_encrypted_objects)?,
        replica_kms_key: optional(&model.replica_kms_key_arn)?,
    })
}

/// A filter that is known altogether.
pub fn filter(model: &Attr<FilterModel>) -> Result<RuleFilter, Incomplete> {
    let Some(model) = optional(model)? else {
        return Ok(RuleFilter::default());
    };
    let tags = optional(&model.tags)?.unwrap_or_default();
    let tags = tags
        .iter()
        .map(|(key, value)| Ok((key.clone(), known(value)?.clone())));
    Ok(RuleFilter {
        prefix: optional(&model.prefix)?,
        tags: tags.collect::<Result<_, _>>()?,
    })
}
