//! One row of the table: an argument, the ways in which it is given, and what then shows.

use serde_json::{Map, Value as Json, json};

use super::run::{Run, Setting};

/// How AWS answers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Script {
    /// To everything.
    Open,
    /// Never with anything but a failure.
    Failing,
    /// To everything, but turns the first request of each kind away.
    ThrottlingFirst,
}

/// A way in which an argument is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Not at all.
    LeftOut,
    /// In the provider block alone.
    Block,
    /// In the environment alone.
    Environment,
    /// In both, differently.
    Both,
    /// In the profile of a shared file.
    Profile,
    /// In the profile, and differently in the environment.
    EnvironmentOverProfile,
    /// Together with something else that it must be told apart from.
    Beside,
}

/// One way, and what must show then.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) way: Way,
    pub(super) variables: Vec<(String, String)>,
    block: Json,
    files: Vec<(String, String)>,
    /// What shows.
    pub(super) shown: String,
}

/// What of a run tells which value took effect.
pub(super) type Shows = Box<dyn Fn(&Run) -> String + Send + Sync>;

/// An argument.
pub(super) struct Row {
    /// Its path in the schema, such as `assume_role.duration`.
    pub(super) argument: String,
    pub(super) shows: Shows,
    pub(super) cases: Vec<Case>,
    around: Setting,
}

impl Row {
    pub(super) fn new(
        argument: &str,
        shows: impl Fn(&Run) -> String + Send + Sync + 'static,
    ) -> Self {
        Self {
            argument: argument.to_owned(),
            shows: Box::new(shows),
            cases: Vec::new(),
            around: Setting {
                block: json!({}),
                variables: Vec::new(),
                files: Vec::new(),
                script: Script::Open,
                planned: None,
            },
        }
    }

    /// What every case has in its block beside the argument.
    pub(super) fn with_block(mut self, block: Json) -> Self {
        self.around.block = block;
        self
    }

    /// What every case has in its environment; an empty text takes a variable out of it.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        let variable = (name.to_owned(), value.to_owned());
        self.around.variables.push(variable);
        self
    }

    /// The pair of keys is in no case's environment.
    pub(super) fn without_keys(self) -> Self {
        self.with("AWS_ACCESS_KEY_ID", "")
            .with("AWS_SECRET_ACCESS_KEY", "")
    }

    /// A file that every case has below the home folder.
    pub(super) fn with_file(mut self, path: &str, content: &str) -> Self {
        let file = (path.to_owned(), content.to_owned());
        self.around.files.push(file);
        self
    }

    pub(super) fn answered(mut self, script: Script) -> Self {
        self.around.script = script;
        self
    }

    /// Plans a resource, where otherwise the account is read.
    pub(super) fn planning(mut self, resource: Json) -> Self {
        self.around.planned = Some(resource);
        self
    }

    fn case(
        mut self,
        way: Way,
        block: Json,
        variables: &[(&str, &str)],
        lines: Option<&str>,
        shown: &str,
    ) -> Self {
        let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let profile = |lines| (".aws/config".to_owned(), format!("[default]\n{lines}\n"));
        self.cases.push(Case {
            way,
            variables: variables.iter().map(text).collect(),
            block,
            files: lines.map(profile).into_iter().collect(),
            shown: shown.to_owned(),
        });
        self
    }

    pub(super) fn left_out(self, shown: &str) -> Self {
        self.case(Way::LeftOut, json!({}), &[], None, shown)
    }

    pub(super) fn block(self, block: Json, shown: &str) -> Self {
        self.case(Way::Block, block, &[], None, shown)
    }

    pub(super) fn environment(self, variables: &[(&str, &str)], shown: &str) -> Self {
        self.case(Way::Environment, json!({}), variables, None, shown)
    }

    pub(super) fn both(self, block: Json, variables: &[(&str, &str)], shown: &str) -> Self {
        self.case(Way::Both, block, variables, None, shown)
    }

    /// Lines of the profile `default`.
    pub(super) fn profile(self, lines: &str, shown: &str) -> Self {
        self.case(Way::Profile, json!({}), &[], Some(lines), shown)
    }

    pub(super) fn environment_over_profile(
        self,
        variables: &[(&str, &str)],
        lines: &str,
        shown: &str,
    ) -> Self {
        let way = Way::EnvironmentOverProfile;
        self.case(way, json!({}), variables, Some(lines), shown)
    }

    /// Anything else, where it matters what the argument is given together with.
    pub(super) fn beside(self, block: Json, variables: &[(&str, &str)], shown: &str) -> Self {
        self.case(Way::Beside, block, variables, None, shown)
    }

    /// The whole ladder of an argument that block, environment and perhaps the profile spell alike: `values` are
    /// theirs in this order.
    pub(super) fn ladder(
        self,
        variables: &[&str],
        setting: Option<&str>,
        values: [&str; 3],
    ) -> Self {
        let [written, variable, profile] = values;
        let block = json!({ self.argument.as_str(): written });
        let mut row = self.block(block.clone(), written);
        for name in variables {
            row = row.environment(&[(name, variable)], variable).both(
                block.clone(),
                &[(name, variable)],
                written,
            );
        }
        if let Some(setting) = setting {
            let lines = format!("{setting} = {profile}");
            row = row.profile(&lines, profile);
            for name in variables {
                row = row.environment_over_profile(&[(name, variable)], &lines, variable);
            }
        }
        row
    }

    /// What a case is run with.
    pub(super) fn setting(&self, case: &Case) -> Setting {
        let mut setting = self.around.clone();
        let mut block: Map<String, Json> = setting.block.as_object().unwrap().clone();
        block.extend(case.block.as_object().unwrap().clone());
        setting.block = Json::Object(block);
        setting.variables.extend(case.variables.iter().cloned());
        setting.files.extend(case.files.iter().cloned());
        setting
    }
}
