//! What a mistyped name was meant to be.

/// ` Did you mean x?` with the nearest of the names, or nothing where none is near.
pub(crate) fn did_you_mean<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(written, names).map_or_else(String::new, |name| format!(" Did you mean {name}?"))
}

fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = 2.max(written.chars().count() / 3);
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(written, name), name))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_told_where_one_is_near() {
        let names = ["storage_class", "region", "rules"];
        assert_eq!(
            did_you_mean("storge_class", names),
            " Did you mean storage_class?"
        );
        assert_eq!(did_you_mean("reigon", names), " Did you mean region?");
        assert_eq!(did_you_mean("encryption", names), "");
    }
}
