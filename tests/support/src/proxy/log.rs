//! What went through the proxy: each call with its name, place, attempt, time and status.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::http::request::Parts;

use super::operation::{Scope, operation_name, scope};

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub(super) serial: u64,
    /// The HTTP method.
    pub method: String,
    /// Path and query as sent.
    pub path: String,
    /// The API operation's name, `PutBucketReplication`.
    pub operation: String,
    /// Access key, region and service that it was signed for; unsigned calls have none.
    pub scope: Option<Scope>,
    /// The account, where the access key tells it, a session through this proxy did, or the test.
    pub account: Option<String>,
    /// The SDK's count of attempts, from 1.
    pub attempt: u32,
    /// When it came in, after the proxy's start.
    pub began: Duration,
    /// When it was answered or cut; `None` while it is under way.
    pub ended: Option<Duration>,
    /// The status of the answer; `None` where there was none.
    pub status: Option<u16>,
}

/// The calls in the order in which they began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    calls: Vec<Call>,
}

impl Call {
    pub(super) fn new(serial: u64, head: &Parts, body: &Bytes, began: Duration) -> Self {
        let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            serial,
            method: head.method.to_string(),
            path: head.uri.to_string(),
            operation: operation_name(head, body),
            scope: header("authorization").and_then(scope),
            account: None,
            attempt: header("amz-sdk-request").and_then(attempt).unwrap_or(1),
            began,
            ended: None,
            status: None,
        }
    }

    /// What rules are matched against: `METHOD path Operation`.
    pub fn line(&self) -> String {
        format!("{} {} {}", self.method, self.path, self.operation)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6} ms  ", self.began.as_millis())?;
        match self.ended {
            Some(ended) => write!(f, "{:>5} ms  ", (ended - self.began).as_millis())?,
            None => f.write_str("under way  ")?,
        }
        match self.status {
            Some(status) => write!(f, "{status}  ")?,
            None => f.write_str("---  ")?,
        }
        f.write_str(self.account.as_deref().unwrap_or("-           "))?;
        if let Some(scope) = &self.scope {
            write!(f, "  {}  {}", scope.region, scope.service)?;
        }
        write!(f, "  {}  {} {}", self.operation, self.method, self.path)?;
        if self.attempt > 1 {
            write!(f, "  (attempt {})", self.attempt)?;
        }
        Ok(())
    }
}

fn attempt(header: &str) -> Option<u32> {
    header
        .split(';')
        .find_map(|part| part.trim().strip_prefix("attempt="))?
        .parse()
        .ok()
}

impl Log {
    /// The calls.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// How many calls there were, attempts counted one by one.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The calls of one API operation.
    pub fn of<'a>(&'a self, operation: &'a str) -> impl Iterator<Item = &'a Call> {
        self.calls
            .iter()
            .filter(move |call| call.operation == operation)
    }

    /// How many calls of one API operation there were.
    pub fn count(&self, operation: &str) -> usize {
        self.of(operation).count()
    }

    /// The calls that change something, by their names.
    pub fn writes(&self) -> impl Iterator<Item = &Call> {
        const READS: [&str; 4] = ["Get", "List", "Head", "Describe"];
        self.calls.iter().filter(|call| {
            call.operation != "AssumeRole"
                && !READS.iter().any(|read| call.operation.starts_with(read))
        })
    }

    /// The critical path in round trips: the most calls of which each began after the one before it had
    /// ended. No run of these calls with such waits can be faster than so many round trips.
    pub fn critical_path(&self) -> usize {
        let mut spans: Vec<(Duration, Duration)> = self
            .calls
            .iter()
            .filter_map(|call| Some((call.ended?, call.began)))
            .collect();
        // Taking whichever ends first leaves the most room for the others, so this finds the longest.
        spans.sort_unstable();
        let mut length = 0;
        let mut free_from = Duration::ZERO;
        for (ended, began) in spans {
            if began >= free_from {
                length += 1;
                free_from = ended;
            }
        }
        length
    }

    pub(super) fn begin(&mut self, call: Call) {
        self.calls.push(call);
    }

    pub(super) fn end(&mut self, serial: u64, ended: Duration, status: Option<u16>) {
        // A log that was taken away meanwhile has no such call any more.
        if let Some(call) = self.calls.iter_mut().find(|call| call.serial == serial) {
            call.ended = Some(ended);
            call.status = status;
        }
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.calls.iter().try_for_each(|call| writeln!(f, "{call}"))
    }
}

/// Whose account each access key is in: told by the key itself, by an `AssumeRole` seen before, or by the test.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    accounts: BTreeMap<String, String>,
    secrets: Vec<String>,
}

impl Sessions {
    pub(super) fn account_of(&self, access_key: &str) -> Option<String> {
        let is_account = access_key.len() == 12 && access_key.bytes().all(|b| b.is_ascii_digit());
        if is_account {
            return Some(access_key.to_owned());
        }
        self.accounts.get(access_key).cloned()
    }

    pub(super) fn know(&mut self, access_key: &str, account: &str) {
        self.accounts
            .insert(access_key.to_owned(), account.to_owned());
    }

    /// Looks for the session in an answer of `AssumeRole`.
    pub(super) fn learn(&mut self, answer: &[u8]) {
        let Ok(answer) = std::str::from_utf8(answer) else {
            return;
        };
        let between = |start: &str, end: &str| {
            let (_, rest) = answer.split_once(start)?;
            rest.split_once(end).map(|(found, _)| found.to_owned())
        };
        let access_key = between("<AccessKeyId>", "</AccessKeyId>");
        let account = between("<Arn>arn:aws:sts::", ":");
        if let (Some(access_key), Some(account)) = (&access_key, account) {
            self.know(access_key, &account);
        }
        let secrets = [
            access_key,
            between("<SecretAccessKey>", "</SecretAccessKey>"),
            between("<SessionToken>", "</SessionToken>"),
        ];
        self.secrets.extend(secrets.into_iter().flatten());
    }

    /// Access keys, secret keys and tokens of the sessions that were made.
    pub(super) fn secrets(&self) -> &[String] {
        &self.secrets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(spans: &[(u64, u64)]) -> Log {
        let calls = spans.iter().zip(0..).map(|((began, ended), serial)| Call {
            serial,
            method: "POST".to_owned(),
            path: "/".to_owned(),
            operation: "CreateKey".to_owned(),
            scope: None,
            account: None,
            attempt: 1,
            began: Duration::from_millis(*began),
            ended: Some(Duration::from_millis(*ended)),
            status: Some(200),
        });
        Log {
            calls: calls.collect(),
        }
    }

    #[test]
    fn calls_one_after_the_other_are_all_on_the_critical_path() {
        assert_eq!(log(&[(0, 10), (10, 20), (25, 30)]).critical_path(), 3);
    }

    #[test]
    fn calls_at_the_same_time_count_once() {
        assert_eq!(log(&[(0, 10), (1, 11), (2, 12)]).critical_path(), 1);
    }

    #[test]
    fn a_long_call_beside_a_chain_of_short_ones_does_not_hide_the_chain() {
        assert_eq!(
            log(&[(0, 100), (0, 10), (12, 20), (21, 90)]).critical_path(),
            3
        );
    }

    #[test]
    fn a_log_without_calls_has_no_critical_path() {
        assert_eq!(log(&[]).critical_path(), 0);
    }

    #[test]
    fn the_account_and_the_secrets_of_a_session_are_learned_from_the_answer_that_made_it() {
        let mut sessions = Sessions::default();
        sessions.learn(
            b"<R><Credentials><AccessKeyId>ASIAX</AccessKeyId><SecretAccessKey>hush</SecretAccessKey>\
              <SessionToken>mum</SessionToken></Credentials><AssumedRoleUser>\
              <Arn>arn:aws:sts::222222222222:assumed-role/Deploy/s</Arn></AssumedRoleUser></R>",
        );
        assert_eq!(
            sessions.account_of("ASIAX").as_deref(),
            Some("222222222222")
        );
        assert_eq!(
            sessions.account_of("111111111111").as_deref(),
            Some("111111111111")
        );
        assert_eq!(sessions.account_of("AKIAOTHER"), None);
        assert_eq!(sessions.secrets(), ["ASIAX", "hush", "mum"]);
    }
}
