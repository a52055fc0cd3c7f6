//! `tags_all`: what is written on each level over what comes from further out.
//!
//! The provider's `default_tags` are outermost, then the resource's tags, then those of a bucket or role, then those
//! of a bucket's key. Our own ownership tags are in none of them.

use crate::framework::model::{Attr, TextMap, text_map};
use crate::provider::replicated_bucket::model::{BucketModel, RoleModel, SideModel};
use crate::replication::operation::Tags;

use Attr::{Known, Null, Unknown};

/// Fills every `tags_all`. Without `default_tags`, because the provider is not configured yet, they are unknown.
pub(crate) fn fill_tags_all(model: &mut BucketModel, default_tags: Option<&Tags>) {
    model.tags_all = of_resource(model, default_tags);
    let inherited = model.tags_all.clone();
    for (_, side) in model.sides_mut() {
        fill_side(side, &inherited);
    }
    for (_, role) in model.roles_mut() {
        fill_role(role, &inherited);
    }
}

/// The resource's own, which lies under all the others.
pub(crate) fn of_resource(model: &BucketModel, default_tags: Option<&Tags>) -> Attr<TextMap> {
    let defaults = default_tags.map_or(Unknown, |tags| Known(text_map(tags.clone())));
    over(&defaults, &model.tags)
}

/// Whether two models are the same but for `tags_all`.
pub(crate) fn differs_in_tags_all_alone(model: &BucketModel, other: &BucketModel) -> bool {
    let without = |model: &BucketModel| {
        let mut model = model.clone();
        fill_tags_all(&mut model, None);
        model
    };
    without(model) == without(other)
}

/// Somebody else's bucket carries none of our tags; a key that is made for it does.
fn fill_side(side: &mut SideModel, inherited: &Attr<TextMap>) {
    let of_bucket = over(inherited, &side.tags);
    if let Known(encryption) = &mut side.encryption
        && let Known(key) = &mut encryption.key
    {
        key.tags_all = over(&of_bucket, &key.tags);
    }
    side.tags_all = match side.existing {
        Known(true) => Null,
        Unknown => Unknown,
        _ => of_bucket,
    };
}

/// Somebody else's role carries none of our tags.
fn fill_role(role: &mut RoleModel, inherited: &Attr<TextMap>) {
    role.tags_all = match &role.existing_arn {
        Null => over(inherited, &role.tags),
        Known(_) => Null,
        Unknown => Unknown,
    };
}

fn over(inherited: &Attr<TextMap>, own: &Attr<TextMap>) -> Attr<TextMap> {
    match (inherited, own) {
        (Known(inherited), Known(own)) => {
            let mut all = inherited.clone();
            all.extend(own.clone());
            Known(all)
        }
        (Unknown, _) | (_, Unknown) => Unknown,
        (inherited, Null) => inherited.clone(),
        (Null, own) => own.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(entries: &[(&str, &str)]) -> TextMap {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        text_map(entries.iter().map(owned))
    }

    #[test]
    fn each_level_goes_over_the_one_around_it() {
        let defaults = Tags::from([("team".to_owned(), "all".to_owned())]);
        let mut model = BucketModel {
            tags: Known(tags(&[("team", "archive"), ("cost", "7")])),
            role: Known(RoleModel {
                tags: Known(tags(&[("cost", "8")])),
                ..RoleModel::default()
            }),
            ..BucketModel::default()
        };
        fill_tags_all(&mut model, Some(&defaults));
        let all = Known(tags(&[("cost", "7"), ("team", "archive")]));
        assert_eq!(model.tags_all, all);
        let role = model.role.known().map(|role| role.tags_all.clone());
        let all = Known(tags(&[("cost", "8"), ("team", "archive")]));
        assert_eq!(role, Some(all));
    }

    #[test]
    fn what_follows_from_an_unknown_level_is_unknown() {
        let mut model = BucketModel::default();
        fill_tags_all(&mut model, None);
        assert_eq!(model.tags_all, Unknown);
    }
}
