//! Paths to attributes, as diagnostics and replacement name them.

use std::fmt;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathStep {
    /// Into an object or a block.
    Attribute(String),
    /// Into a map.
    Key(String),
    /// Into a list.
    Index(i64),
}

/// Where in a configuration or state something stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributePath(pub Vec<PathStep>);

impl AttributePath {
    /// The path of a top-level attribute.
    pub fn root(attribute: &str) -> Self {
        Self::default().attribute(attribute)
    }

    /// One attribute further.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Self {
        self.step(PathStep::Attribute(name.to_owned()))
    }

    /// One map key further.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.step(PathStep::Key(key.to_owned()))
    }

    /// One list position further.
    #[must_use]
    pub fn index(&self, index: i64) -> Self {
        self.step(PathStep::Index(index))
    }

    fn step(&self, step: PathStep) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Attribute(name) if position == 0 => f.write_str(name)?,
                PathStep::Attribute(name) => write!(f, ".{name}")?,
                PathStep::Key(key) => write!(f, "[{key:?}]")?,
                PathStep::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_an_expression() {
        let path = AttributePath::root("destinations")
            .key("a \"b\"")
            .attribute("rules")
            .index(2);
        assert_eq!(path.to_string(), "destinations[\"a \\\"b\\\"\"].rules[2]");
    }
}
