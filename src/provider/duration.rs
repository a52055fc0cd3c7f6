//! Durations as Go spells them, which is how Terraform's users write them: `90s`, `15m`, `1h30m`.

use std::time::Duration;

/// The length of a session in seconds, of a duration that validation has passed.
pub(crate) fn session_seconds(text: Option<&String>) -> Option<i32> {
    let duration = parse_duration(text?).ok()?;
    i32::try_from(duration.as_secs()).ok()
}

/// Reads a Go duration.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let refuse = || {
        Err(format!(
            "\"{text}\" is not a duration, which looks like 90s, 15m or 1h30m."
        ))
    };
    let mut total = Duration::ZERO;
    let mut rest = text;
    if rest.is_empty() {
        return refuse();
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let unit_length = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_length);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return refuse(),
        };
        let Ok(count) = number.parse::<f64>() else {
            return refuse();
        };
        match Duration::try_from_secs_f64(count * seconds) {
            Ok(part) if part < Duration::from_secs(u64::from(u32::MAX)) => total += part,
            _ => return refuse(),
        }
        rest = tail;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations_are_read() {
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1500)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "15", "m", "1x", "1h-5m", "1e400h", "..s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
