//! What one attribute of the provider block cannot tell alone.

use super::environment::Environment;
use super::{AccountModel, ProviderModel, web_identity};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::framework::value::AttributePath;

/// Looks at a whole block.
pub(super) fn check(
    model: &ProviderModel,
    environment: &Environment,
    diagnostics: &mut Diagnostics,
) {
    if !model.allowed_account_ids.is_null() && !model.forbidden_account_ids.is_null() {
        diagnostics.error_at(
            AttributePath::root("forbidden_account_ids"),
            "Two account guards",
            "`allowed_account_ids` and `forbidden_account_ids` exclude each other; write one of them.",
        );
    }
    let guarded = !model.allowed_account_ids.is_null() || !model.forbidden_account_ids.is_null();
    let is_role =
        is_written(&model.assume_role) || is_written(&model.assume_role_with_web_identity);
    if asks_nobody(model) && guarded && !is_role {
        diagnostics.error_at(
            AttributePath::root("skip_requesting_account_id"),
            "Nobody would ask for the account that is guarded",
            "`allowed_account_ids` and `forbidden_account_ids` need the account of the provider's credentials, so it cannot go unasked. Take the guard off, or this argument.",
        );
    }
    let web_identity = AttributePath::root("assume_role_with_web_identity");
    let has_keys = model.access_key.known().is_some() || model.secret_key.known().is_some();
    let blocks = numbered(&web_identity, &model.assume_role_with_web_identity);
    if has_keys && !blocks.is_empty() {
        diagnostics.error_at(
            web_identity.clone(),
            "Two base credentials",
            "A web identity takes the place of `access_key` and `secret_key`, so these would have no part in it; write one of them.",
        );
    }
    for (path, block) in blocks {
        web_identity::check(block, true, &path, environment, diagnostics);
    }
    let mut seen: Vec<&String> = Vec::new();
    for (path, block) in numbered(&AttributePath::root("account"), &model.account) {
        if let Some(id) = block.account_id.known() {
            if seen.contains(&id) {
                diagnostics.error_at(
                    path.attribute("account_id"),
                    "One account twice",
                    format!(
                        "There is an `account` block for {id} already; one block tells the way in."
                    ),
                );
            }
            seen.push(id);
        }
        check_way_in(block, &path, environment, diagnostics);
    }
}

/// Whether nobody tells the account of the provider's credentials: who validates them is told it.
pub(super) fn asks_nobody(model: &ProviderModel) -> bool {
    model.skip_requesting_account_id.known() == Some(&true)
        && model.skip_credentials_validation.known() == Some(&true)
}

fn check_way_in(
    block: &AccountModel,
    path: &AttributePath,
    environment: &Environment,
    diagnostics: &mut Diagnostics,
) {
    let web_identity = path.attribute("assume_role_with_web_identity");
    let blocks = &block.assume_role_with_web_identity;
    for (path, block) in numbered(&web_identity, blocks) {
        web_identity::check(block, false, &path, environment, diagnostics);
    }
    let (roles, web) = (is_written(&block.assume_role), is_written(blocks));
    let abandoned = block.abandoned.is_unknown() || block.abandoned.known() == Some(&true);
    if block.profile.is_null() && !roles && !web && !abandoned {
        diagnostics.error_at(
            path.clone(),
            "No way in",
            "An `account` block says how to get into the account: write a `profile`, an `assume_role` block, or both, or an `assume_role_with_web_identity` block, or `abandoned = true` where the account is gone.",
        );
    }
    if !block.profile.is_null() && web {
        diagnostics.error_at(
            path.attribute("profile"),
            "Two ways to start",
            "A web identity starts without any credentials, so a `profile` has no part in it; write one of them.",
        );
    }
}

/// Whether there is a block of a kind, or may be one.
fn is_written<T>(blocks: &Attr<Vec<Attr<T>>>) -> bool {
    match blocks {
        Attr::Known(blocks) => !blocks.is_empty(),
        Attr::Unknown => true,
        Attr::Null => false,
    }
}

/// The known blocks of a kind with their paths.
fn numbered<'a, T>(
    root: &AttributePath,
    blocks: &'a Attr<Vec<Attr<T>>>,
) -> Vec<(AttributePath, &'a T)> {
    let blocks = blocks.known().into_iter().flatten();
    (0..)
        .zip(blocks)
        .filter_map(|(index, block)| Some((root.index(index), block.known()?)))
        .collect()
}
