//! Replication back from a destination.

use super::role::role;
use crate::framework::model::Attr;
use crate::provider::replicated_bucket::model::{RoleModel, SideModel};
use crate::provider::replicated_bucket::values::setting::{Get, setting};

use Attr::{Known, Null, Unknown};

/// Fills in whether `side` replicates back, and by which role. Its other settings are worked out already.
pub(crate) fn two_way(side: &mut SideModel, written: &SideModel, kept: &Attr<&SideModel>) {
    side.two_way = setting(&written.two_way, kept.get(|kept| &kept.two_way), || {
        Known(false)
    });
    let kept = kept.get(|kept| &kept.two_way_role);
    let work_out = |written: &RoleModel| Known(role(written, &kept, Some(side)));
    side.two_way_role = match (&written.two_way_role, &side.two_way) {
        (Known(role), _) => work_out(role),
        (Null, Known(true)) => work_out(&RoleModel::default()),
        (Null, Known(false)) => Null,
        (Null | Unknown, _) => Unknown,
    };
}
