//! The guide with every call and the permissions that it takes.

use crate::replication::operation::permissions::{Access, PERMISSIONS};

/// The guide: what is written by hand, and the table.
pub(super) fn page() -> String {
    let rows = PERMISSIONS.iter().map(|permission| {
        let plan = match permission.access {
            Access::Read => "plan",
            Access::Write => "apply",
        };
        format!(
            "| `{}` | `{}` | {} | {} | {plan} |\n",
            permission.call, permission.action, permission.on, permission.when
        )
    });
    let head = "| call | IAM action | on | for | from |\n|---|---|---|---|---|\n";
    let text = include_str!("operator_permissions.md").trim_end();
    format!("{text}\n\n{head}{}", rows.collect::<String>())
}
