//! What not every client has.

use std::fmt;

/// Something that came with a version of Terraform, and that a case needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Functions of providers.
    Functions,
    /// Functions of a provider that is not configured.
    OfflineFunctions,
    /// Variables that are kept nowhere.
    Ephemeral,
    /// `moved` blocks from one type of resource to another.
    Moves,
    /// Mocks that fill what is computed within nested attributes.
    NestedMocks,
    /// Identities of resources, and imports by them.
    Identity,
    /// Configurations of imports that the provider writes, and not the client.
    Generation,
    /// `terraform query` with list resources.
    List,
    /// Actions, and what triggers them.
    Actions,
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Functions => "functions",
            Self::OfflineFunctions => "functions without credentials",
            Self::Ephemeral => "ephemeral variables",
            Self::Moves => "moves between types",
            Self::NestedMocks => "mocks of nested attributes",
            Self::Identity => "identity",
            Self::Generation => "configurations that a provider generates",
            Self::List => "list",
            Self::Actions => "actions",
        })
    }
}

/// What a client says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    is_tofu: bool,
    number: (u32, u32),
}

impl Version {
    /// Reads the first line of `terraform version` or `tofu version`.
    pub fn parse(text: &str) -> Option<Self> {
        text.lines().find_map(|line| {
            let (product, number) = line.split_once(" v")?;
            let mut parts = number.split(['.', '-']);
            let mut part = || parts.next()?.parse().ok();
            let number = (part()?, part()?);
            match product {
                "Terraform" | "OpenTofu" => Some(Self {
                    is_tofu: product == "OpenTofu",
                    number,
                }),
                _ => None,
            }
        })
    }

    /// Whether it has a feature.
    pub fn has(&self, feature: Feature) -> bool {
        let since = match (feature, self.is_tofu) {
            (Feature::Functions | Feature::OfflineFunctions | Feature::Moves, false) => (1, 8),
            (Feature::NestedMocks, false) => (1, 7),
            (Feature::Ephemeral, false) => (1, 10),
            (Feature::Identity, false) => (1, 12),
            (Feature::Generation | Feature::List | Feature::Actions, false) => (1, 14),
            (Feature::Functions, true) => (1, 7),
            (Feature::Moves, true) => (1, 10),
            (Feature::Ephemeral, true) => (1, 11),
            // Its functions may hang on the configuration, so it configures the provider first.
            (Feature::OfflineFunctions, true)
            | (
                Feature::NestedMocks
                | Feature::Identity
                | Feature::Generation
                | Feature::List
                | Feature::Actions,
                true,
            ) => return false,
        };
        self.number >= since
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let product = if self.is_tofu {
            "OpenTofu"
        } else {
            "Terraform"
        };
        write!(f, "{product} {}.{}", self.number.0, self.number.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(text: &str) -> Vec<String> {
        let version = Version::parse(text).unwrap();
        let all = [
            Feature::Functions,
            Feature::Moves,
            Feature::Ephemeral,
            Feature::Identity,
            Feature::List,
            Feature::Actions,
        ];
        all.into_iter()
            .filter(|feature| version.has(*feature))
            .map(|feature| feature.to_string())
            .collect()
    }

    #[test]
    fn a_client_has_what_came_up_to_its_version() {
        let (functions, moves, ephemeral) =
            ("functions", "moves between types", "ephemeral variables");
        let of_1_12 = [functions, moves, ephemeral, "identity"];
        let of_1_14 = [functions, moves, ephemeral, "identity", "list", "actions"];
        assert_eq!(has("Terraform v1.7.5\non linux_amd64"), [""; 0]);
        assert_eq!(has("Terraform v1.8.4\non linux_amd64"), [functions, moves]);
        assert_eq!(has("Terraform v1.12.2"), of_1_12);
        assert_eq!(has("Terraform v1.14.9"), of_1_14);
        assert_eq!(has("Terraform v1.20.0"), of_1_14);
        assert_eq!(has("OpenTofu v1.9.4"), [functions]);
        assert_eq!(has("OpenTofu v1.11.0-beta1"), [functions, moves, ephemeral]);
        assert_eq!(Version::parse("a shell v1"), None);
    }
}
