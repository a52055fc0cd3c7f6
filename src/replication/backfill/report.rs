//! The completion report of a job: a manifest, and the files of results that it names.

use std::collections::BTreeMap;

use super::reasons::named_in;

/// Where the manifest of a job's report is.
pub fn manifest_key(prefix: &str, job_id: &str) -> String {
    let prefix = prefix.trim_end_matches('/');
    format!("{prefix}/job-{job_id}/manifest.json")
}

/// The keys of the files with results, as a manifest names them.
pub fn result_keys(manifest: &str) -> Result<Vec<String>, String> {
    let unreadable = |why: String| format!("the report's manifest cannot be read: {why}");
    let manifest: serde_json::Value =
        serde_json::from_str(manifest).map_err(|error| unreadable(error.to_string()))?;
    let results = manifest
        .get("Results")
        .and_then(|results| results.as_array());
    let results = results.ok_or_else(|| unreadable("it has no Results".to_owned()))?;
    let keys = results.iter().map(|result| {
        let key = result.get("Key").and_then(|key| key.as_str());
        key.map(str::to_owned)
            .ok_or_else(|| unreadable("a result has no Key".to_owned()))
    });
    keys.collect()
}

/// Tasks that failed, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failures(pub BTreeMap<String, Failed>);

/// What failed for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// How many versions of objects.
    pub count: u64,
    /// The key of the first one, as the report writes it (percent-encoded).
    pub example: String,
}

impl Failures {
    /// Adds the failed tasks of one file.
    pub fn add(&mut self, results: &str) {
        for fields in records(results) {
            let [_, key, _, status, first, second, message] = fields.as_slice() else {
                continue;
            };
            // By its `ReportSchema` a row has the error code before the HTTP status. The rows that AWS shows have it the
            // other way round (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-examples-reports.html>).
            let (code, http_status) = match is_number(first) {
                true => (second, first),
                false => (first, second),
            };
            if status.eq_ignore_ascii_case("succeeded") {
                continue;
            }
            let reason = match named_in(message).or_else(|| named_in(code)) {
                Some(reason) => reason.to_owned(),
                None => unnamed(code, http_status, message),
            };
            let failed = self.0.entry(reason).or_insert_with(|| Failed {
                count: 0,
                example: key.clone(),
            });
            failed.count += 1;
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What S3 says where it names no reason of replication.
fn unnamed(code: &str, http_status: &str, message: &str) -> String {
    let texts = [code, message].map(str::trim);
    let said: Vec<&str> = texts.into_iter().filter(|text| !text.is_empty()).collect();
    match said.is_empty() {
        true => format!("HTTP status {http_status}"),
        false => said.join(": "),
    }
}

/// The records of a file of comma-separated values. A quoted field may hold commas, line ends and doubled quotes.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut is_quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => record.push(std::mem::take(&mut field)),
            '\r' if !is_quoted => {}
            '\n' if !is_quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            letter => field.push(letter),
        }
    }
    if !field.is_empty() || !record.is_empty() {
        record.push(field);
        records.push(record);
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_names_the_files_of_results() {
        assert_eq!(
            manifest_key("backfill/", "1"),
            "backfill/job-1/manifest.json"
        );
        let manifest =
            r#"{"Results":[{"TaskExecutionStatus":"failed","Key":"p/job-1/results/a.csv"}]}"#;
        assert_eq!(
            result_keys(manifest),
            Ok(vec!["p/job-1/results/a.csv".to_owned()])
        );
        for broken in ["", "{}", r#"{"Results":[{}]}"#] {
            assert!(result_keys(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn failures_are_counted_by_reason_wherever_it_stands() {
        let mut failures = Failures::default();
        failures.add(
            "acme,a%20b,v1,failed,,400,DstBucketUnversioned\n\
             acme,c,v2,failed,DstBucketUnversioned,400,\"Not done, sorry \"\"yet\"\"\"\r\n\
             acme,d,v3,succeeded,,200,Successful\n\
             acme,e,v4,failed,InternalError,500,\"Try, again\"\n\
             not a record\n\
             acme,f,v5,failed,,503,\n\
             acme,g,v6,succeeded,200,,Successful\n\
             acme,h,v7,failed,400,DstBucketUnversioned,Not done\n\
             acme,i,v8,failed,500,InternalError,\"Try, again\"\n\
             acme,j,v9,failed,503,,",
        );
        let counted: Vec<_> = failures
            .0
            .iter()
            .map(|(reason, failed)| (reason.as_str(), failed.count, failed.example.as_str()))
            .collect();
        assert_eq!(
            counted,
            [
                ("DstBucketUnversioned", 3, "a%20b"),
                ("HTTP status 503", 2, "f"),
                ("InternalError: Try, again", 2, "e"),
            ]
        );
    }
}
