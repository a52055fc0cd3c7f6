//! The variables of the environment that Terraform's providers read. Those of AWS's SDK are read in the edge.

use std::collections::BTreeMap;
use std::fmt;

/// The environment, as it was when the provider was configured.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// Names alone: values may be secret.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Environment {
    /// That of this process.
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        )
    }

    /// A variable that is set to something.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// Variables by what follows the prefix in their names.
    pub(super) fn with_prefix(&self, prefix: &str) -> BTreeMap<String, String> {
        self.0
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, value)))
            .filter(|(rest, _)| !rest.is_empty())
            .map(|(rest, value)| (rest.to_owned(), value.clone()))
            .collect()
    }

    /// A path as `hashicorp/aws` reads it: `$NAME` and `${NAME}` are variables, and a `~` in front is the home
    /// folder.
    pub(super) fn expand_path(&self, path: &str) -> String {
        let path = self.with_variables(path);
        match path.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                self.get("HOME").map_or(path.clone(), |home| home + rest)
            }
            _ => path,
        }
    }

    fn with_variables(&self, text: &str) -> String {
        let mut parts = text.split('$');
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let braced = part.strip_prefix('{').and_then(|rest| rest.split_once('}'));
            let (name, rest) = braced.unwrap_or_else(|| {
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                part.split_at(part.find(|c| !is_name(c)).unwrap_or(part.len()))
            });
            if name.is_empty() {
                whole.push('$');
            }
            whole.push_str(&self.get(name).unwrap_or_default());
            whole.push_str(rest);
        }
        whole
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self(
            variables
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_a_shell_would() {
        let environment = Environment::from([("HOME", "/home/ann"), ("TEAM", "storage")]);
        for (written, read) in [
            ("~/.aws/team", "/home/ann/.aws/team"),
            ("~", "/home/ann"),
            ("$HOME/x", "/home/ann/x"),
            ("/etc/${TEAM}/config", "/etc/storage/config"),
            ("/etc/$TEAM-1", "/etc/storage-1"),
            ("/etc/$NOBODY/x", "/etc//x"),
            ("/plain", "/plain"),
            ("~other/x", "~other/x"),
            ("/cost$", "/cost$"),
        ] {
            assert_eq!(environment.expand_path(written), read, "{written}");
        }
    }

    #[test]
    fn an_empty_variable_says_nothing() {
        let environment = Environment::from([("AWS_ROLE_ARN", "")]);
        assert_eq!(environment.get("AWS_ROLE_ARN"), None);
    }
}
