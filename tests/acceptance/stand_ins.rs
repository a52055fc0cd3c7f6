//! What Terraform tells, with stand-ins for what differs from run to run, so that it can be read and compared.

use serde_json::Value;
use support::Outcome;

/// What is found in a text, and what stands for it there, in the order in which it is looked for.
#[derive(Debug, Default)]
pub(crate) struct StandIns(Vec<(String, String)>);

impl StandIns {
    /// Lets a word stand for a text of this run.
    pub(crate) fn add(&mut self, found: &str, word: &str) {
        if !found.is_empty() {
            self.0.push((found.to_owned(), word.to_owned()));
        }
    }

    /// Lets a word stand for a key's ID, wherever it is.
    pub(crate) fn add_key(&mut self, arn: &str, word: &str) {
        self.add(arn.rsplit('/').next().unwrap_or_default(), word);
    }

    /// Lets words stand for the IDs of the keys and roles of a resource; they begin with its own.
    pub(crate) fn add_state(&mut self, state: &Value, resource: &str) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let nobody = serde_json::Map::new();
        let destinations = state["destinations"].as_object().unwrap_or(&nobody);
        let sides = [("source", &state["source"])].into_iter();
        let sides = sides.chain(destinations.iter().map(|(key, side)| (key.as_str(), side)));
        for (name, side) in sides {
            let key = format!("{resource}{name}-key");
            self.add(&text(&side["kms_key_id"]), &key);
            self.add(&text(&side["two_way_role"]["unique_id"]), "AROA0000");
        }
        self.add(&text(&state["role"]["unique_id"]), "AROA0000");
        for component in state["components"].as_object().unwrap_or(&nobody).keys() {
            let mut parts = component.rsplitn(3, '/');
            if let (Some(id), Some("retired_key"), Some(side)) =
                (parts.next(), parts.next(), parts.next())
            {
                let side = side.trim_start_matches("destination/");
                self.add(id, &format!("{resource}{side}-retired-key"));
            }
        }
    }

    /// What a person reads of a plan between Terraform's preamble and its closing note, or the first thing that it does.
    pub(crate) fn plan(&self, text: &str) -> Outcome<String> {
        let begin = text.find("Terraform will perform").unwrap_or_default();
        let text = &text[begin..];
        let note = text.find("\n─");
        let done = regex::Regex::new(r"\n[^\n]+: (Creating|Modifying|Destroying)\.\.\.")?;
        let done = done.find(text).map(|found| found.start());
        let end = [note, done].into_iter().flatten().min();
        self.told(&text[..end.unwrap_or(text.len())])
    }

    /// Any text, without what differs from run to run.
    pub(crate) fn told(&self, text: &str) -> Outcome<String> {
        let mut told = text.trim().to_owned();
        for (found, word) in &self.0 {
            told = told.replace(found, word);
        }
        // The rest of a Sid is a hash of names of this run; how much is left out of a text is Terraform's affair.
        let sid = r"(Replicated[A-Z][A-Za-z]*?)[0-9a-f]{14}\b";
        let told = replaced(&told, sid, "${1}0000")?;
        let told = replaced(&told, r"# \(\d+ unchanged", "# (unchanged")?;
        let mut lines: Vec<&str> = told.lines().map(str::trim_end).collect();
        // Keys in one list are ordered by their IDs, which are random.
        for keys in lines.chunk_by_mut(|one, next| is_key(one) && is_key(next)) {
            keys.sort_unstable();
        }
        Ok(lines.join("\n"))
    }
}

fn is_key(line: &str) -> bool {
    line.contains("\"arn:aws:kms:") && line.ends_with("\",")
}

fn replaced(text: &str, pattern: &str, with: &str) -> Outcome<String> {
    let pattern = regex::Regex::new(pattern)?;
    Ok(pattern.replace_all(text, with).into_owned())
}
