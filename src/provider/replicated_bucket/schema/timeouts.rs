//! How long operations may take.

use crate::framework::schema::{Attribute, Nesting, Setter};
use crate::provider::checks;
use crate::provider::replicated_bucket::attributes::timeouts::Deed;

use Setter::Optional;

pub(crate) fn timeouts() -> Attribute {
    let of = |deed: Deed, what: &str| {
        let description = format!(
            "How long {what} may take, as a Go duration such as `90s` or `1h30m`. Default: `{}`.",
            deed.default_time()
        );
        Attribute::string(deed.attribute(), Optional, &description).validate(checks::duration())
    };
    Attribute::nested(
        "timeouts",
        Nesting::Single,
        vec![
            of(Deed::Create, "a create, before it is undone,"),
            of(Deed::Read, "a refresh"),
            of(Deed::Update, "an update"),
            of(Deed::Delete, "a destroy, the emptying of buckets with it,"),
        ],
        Optional,
        "How long operations may take. When a time is over nothing new is begun, a write that is under way still ends, and the error tells what was waited for. A create is then undone, for which it has five more minutes; after an update the state tells what is there. A plan has no limit of its own.",
    )
}
