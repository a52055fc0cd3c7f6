//! Upgrades of what is stored: pure functions of JSON, each from one version to the next.

use serde_json::Value as Json;

/// Brings JSON of one version to the next one, or says why it cannot.
pub type Step = fn(Json) -> Result<Json, String>;

/// The way from every version that there was to the current one.
#[derive(Debug, Clone, Copy)]
pub struct Upgrades {
    /// The oldest version.
    pub oldest: i64,
    /// One step from each version to the next one, from the oldest on.
    pub steps: &'static [Step],
}

impl Upgrades {
    /// The version that the last step leads to.
    pub const fn current(&self) -> i64 {
        self.oldest + self.steps.len() as i64
    }

    /// Brings the JSON of a version to the current one, step by step.
    pub fn upgrade(&self, version: i64, json: Json) -> Result<Json, String> {
        let steps = version
            .checked_sub(self.oldest)
            .and_then(|done| usize::try_from(done).ok())
            .and_then(|done| self.steps.get(done..))
            .ok_or_else(|| "There never was such a version.".to_owned())?;
        steps.iter().try_fold(json, |json, step| step(json))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const UPGRADES: Upgrades = Upgrades {
        oldest: 3,
        steps: &[
            |json| Ok(json!([json, 3])),
            |json| Ok(json!([json, 4])),
            |json| match json {
                Json::String(text) => Err(text),
                json => Ok(json!([json, 5])),
            },
        ],
    };

    #[test]
    fn every_version_goes_through_the_steps_that_are_left() {
        assert_eq!(UPGRADES.current(), 6);
        for (version, upgraded) in [
            (3, json!([[[0, 3], 4], 5])),
            (4, json!([[0, 4], 5])),
            (5, json!([0, 5])),
            (6, json!(0)),
        ] {
            assert_eq!(UPGRADES.upgrade(version, json!(0)), Ok(upgraded));
        }
    }

    #[test]
    fn a_version_that_never_was_and_a_step_that_fails_are_errors() {
        for version in [i64::MIN, -1, 2, 7, i64::MAX] {
            let upgraded = UPGRADES.upgrade(version, json!(0));
            assert_eq!(upgraded, Err("There never was such a version.".to_owned()));
        }
        assert_eq!(UPGRADES.upgrade(5, json!("why")), Err("why".to_owned()));
    }
}
