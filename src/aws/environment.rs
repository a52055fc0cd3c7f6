//! Variables of the environment that AWS's SDK does not read itself, or reads otherwise than `hashicorp/aws`.

/// The first of these variables that is set to something.
pub(super) fn variable(names: &[&str]) -> Option<String> {
    names
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// Whether the environment holds a pair of keys.
pub(super) fn has_keys() -> bool {
    variable(&["AWS_ACCESS_KEY_ID"]).is_some() && variable(&["AWS_SECRET_ACCESS_KEY"]).is_some()
}
