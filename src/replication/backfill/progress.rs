//! Where a job stands, in one line.

use crate::replication::operation::{BatchJobDescription, BatchJobStatus};

/// How fast a job goes, since this run first saw it with tasks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    /// The second of the last look before it worked, or of the first at all, and how many tasks were over by then.
    first: Option<(u64, u64)>,
}

impl Pace {
    /// The line of a job, so many seconds after it was first looked at.
    pub fn line(&mut self, job: &BatchJobDescription, second: u64) -> String {
        let status = job.status.word();
        let waits_for = match job.status {
            BatchJobStatus::New | BatchJobStatus::Preparing => "S3 looks for the objects",
            BatchJobStatus::Suspended => "the job waits to be confirmed in the S3 console",
            BatchJobStatus::Ready => "the job waits for its turn",
            BatchJobStatus::Paused | BatchJobStatus::Pausing => {
                "another job of a higher priority goes first"
            }
            _ => "",
        };
        if job.total == 0 {
            let what = if waits_for.is_empty() {
                "no object yet"
            } else {
                waits_for
            };
            return match second / 60 {
                0 => format!("{status}: {what}"),
                minutes => format!("{status}: {what} ({minutes} min)"),
            };
        }
        let (done, total) = (job.done(), job.total);
        let percent = u128::from(done) * 100 / u128::from(total);
        let mut line = format!(
            "{status}: {} of {} objects ({percent} %), {} failed",
            grouped(done),
            grouped(total),
            grouped(job.failed)
        );
        // As long as the job waits, its work has not begun.
        if !waits_for.is_empty() {
            self.first = Some((second, done));
        }
        let (since, before) = *self.first.get_or_insert((second, done));
        let (seconds, moved) = (second.saturating_sub(since), done.saturating_sub(before));
        if seconds > 0 && moved > 0 && done < total {
            let left = u128::from(total - done) * u128::from(seconds) / u128::from(moved);
            line.push_str(&format!(
                ", {} a second, about {} left",
                grouped(moved.div_ceil(seconds)),
                duration(u64::try_from(left).unwrap_or(u64::MAX))
            ));
        } else if !waits_for.is_empty() {
            line.push_str(&format!("; {waits_for}"));
        }
        line
    }
}

/// A number with a comma before every three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time in its two largest units.
fn duration(seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (hours, minutes) => format!("{} h {minutes} min", grouped(hours)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(status: BatchJobStatus, total: u64, succeeded: u64, failed: u64) -> BatchJobDescription {
        BatchJobDescription {
            id: "job".to_owned(),
            description: String::new(),
            status,
            created: 0,
            total,
            succeeded,
            failed,
            failures: Vec::new(),
        }
    }

    #[test]
    fn a_line_tells_status_share_failures_pace_and_what_is_left() {
        use BatchJobStatus as S;
        let mut pace = Pace::default();
        for (second, job, line) in [
            (0, job(S::New, 0, 0, 0), "New: S3 looks for the objects"),
            (
                130,
                job(S::Preparing, 0, 0, 0),
                "Preparing: S3 looks for the objects (2 min)",
            ),
            (
                140,
                job(S::Ready, 10_000, 0, 0),
                "Ready: 0 of 10,000 objects (0 %), 0 failed; the job waits for its turn",
            ),
            (
                150,
                job(S::Active, 10_000, 2_490, 10),
                "Active: 2,500 of 10,000 objects (25 %), 10 failed, 250 a second, about 30 s left",
            ),
            (
                160,
                job(S::Active, 10_000, 9_990, 10),
                "Active: 10,000 of 10,000 objects (100 %), 10 failed",
            ),
            (
                161,
                job(S::Completing, 10_000, 9_990, 10),
                "Completing: 10,000 of 10,000 objects (100 %), 10 failed",
            ),
        ] {
            assert_eq!(pace.line(&job, second), line);
        }
    }

    #[test]
    fn what_was_done_before_the_first_look_counts_for_the_share_and_not_for_the_pace() {
        let mut pace = Pace::default();
        pace.line(&job(BatchJobStatus::Active, 1_000, 900, 0), 0);
        let line = pace.line(&job(BatchJobStatus::Active, 1_000, 910, 0), 10);
        assert!(
            line.ends_with("1 a second, about 1 min 30 s left"),
            "{line}"
        );
    }

    #[test]
    fn no_number_is_too_large() {
        let job = job(BatchJobStatus::Active, u64::MAX, u64::MAX, u64::MAX);
        assert!(Pace::default().line(&job, u64::MAX).contains("(100 %)"));
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(123), "123");
        assert_eq!(duration(7_260), "2 h 1 min");
    }
}
