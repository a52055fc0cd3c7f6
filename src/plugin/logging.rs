//! Log lines as Terraform reads them: one JSON object a line on standard error, in the form of hclog.
//!
//! [`init`] installs the subscriber and a panic hook that Terraform recognises. Logging is off unless one of
//! Terraform's variables asks for it. Of other crates' events only the place of a warning or an error is kept: what
//! they say can hold whole answers of STS, and lines of files with credentials. Nothing here writes to standard output, which belongs to the handshake.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::panic::PanicHookInfo;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::framework::crash;

/// Terraform reads lines up to 64 KiB, line end included; longer ones it does not understand.
const LONGEST_LINE: usize = 64 * 1024;

/// The level that the environment asks for, for a provider with this local name.
///
/// The provider's own variable is asked first, then that of all providers, then that of all of Terraform.
/// `variable` looks up an environment variable.
pub fn level(name: &str, variable: impl Fn(&str) -> Option<OsString>) -> LevelFilter {
    let own = format!(
        "TF_LOG_PROVIDER_{}",
        name.replace('-', "_").to_ascii_uppercase()
    );
    let wanted = [own.as_str(), "TF_LOG_PROVIDER", "TF_LOG"]
        .into_iter()
        .filter_map(&variable)
        .find(|value| !value.is_empty());
    match wanted {
        None => LevelFilter::OFF,
        Some(value) => match value.to_string_lossy().to_ascii_uppercase().as_str() {
            "OFF" => LevelFilter::OFF,
            "ERROR" => LevelFilter::ERROR,
            "WARN" => LevelFilter::WARN,
            "INFO" => LevelFilter::INFO,
            "DEBUG" => LevelFilter::DEBUG,
            // Terraform takes "JSON", and whatever it does not know, as everything.
            _ => LevelFilter::TRACE,
        },
    }
}

/// Sends this process's logs and panics to standard error. A second call changes nothing. `program` names the provider
/// and its version.
pub fn init(level: LevelFilter, program: String) {
    std::panic::set_hook(Box::new(move |panic| {
        write_line(&panic_text(&program, panic))
    }));
    if level != LevelFilter::OFF {
        let layer = Hclog::new(OffsetDateTime::now_utc, write_line);
        let subscriber = tracing_subscriber::registry().with(layer.with_filter(
            tracing_subscriber::filter::filter_fn(move |metadata| wanted(metadata, level)),
        ));
        // An error says that a subscriber is there already, which is as good.
        let _already = tracing::subscriber::set_global_default(subscriber);
    }
}

fn wanted(metadata: &Metadata<'_>, level: LevelFilter) -> bool {
    let level = if is_ours(metadata) {
        level
    } else {
        level.min(LevelFilter::WARN)
    };
    *metadata.level() <= level
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().split("::").next() == module_path!().split("::").next()
}

fn write_line(line: &str) {
    let mut bytes = Vec::with_capacity(line.len() + 1);
    bytes.extend_from_slice(line.as_bytes());
    bytes.push(b'\n');
    // Terraform may have gone; there is nobody left to tell.
    let _unheard = io::stderr().lock().write_all(&bytes);
}

/// The words by which Terraform knows a crash and shows it to its user, whatever the log level. A backtrace names
/// functions and lines, never values.
fn panic_text(program: &str, panic: &PanicHookInfo<'_>) -> String {
    let told = crash::remember(program, panic);
    let backtrace = std::backtrace::Backtrace::capture();
    match backtrace.status() {
        std::backtrace::BacktraceStatus::Captured => {
            format!("panic: {program}: {told}\n{backtrace}")
        }
        _ => format!("panic: {program}: {told}"),
    }
}

/// A subscriber's layer that makes one line of each event.
struct Hclog<W> {
    now: fn() -> OffsetDateTime,
    write: W,
}

/// The fields of a span, kept with it for the events inside.
struct SpanFields(Map<String, Value>);

impl<W: Fn(&str)> Hclog<W> {
    fn new(now: fn() -> OffsetDateTime, write: W) -> Self {
        Self { now, write }
    }
}

impl<S, W> Layer<S> for Hclog<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&str) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(SpanFields(fields.0));
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        record.record(&mut fields);
        if let Some(span) = context.span(id)
            && let Some(kept) = span.extensions_mut().get_mut::<SpanFields>()
        {
            kept.0.extend(fields.0);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut fields = Fields::default();
        if !is_ours(metadata) {
            fields.place(metadata);
            (self.write)(&line(metadata, fields.0, (self.now)()));
            return;
        }
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(kept) = span.extensions().get::<SpanFields>() {
                fields.0.extend(kept.0.clone());
            }
        }
        event.record(&mut fields);
        (self.write)(&line(metadata, fields.0, (self.now)()));
    }
}

/// One line, without its end, short enough for Terraform.
fn line(metadata: &Metadata<'_>, mut fields: Map<String, Value>, now: OffsetDateTime) -> String {
    let message = match fields.remove("message") {
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
        None => String::new(),
    };
    // Terraform crashes when one of these is not a text, so they are put last, over any field of that name.
    let level = match *metadata.level() {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    };
    for (key, text) in [
        ("@level", level.to_owned()),
        ("@message", message),
        ("@module", metadata.target().replace("::", ".")),
        ("@timestamp", timestamp(now)),
    ] {
        fields.insert(key.to_owned(), Value::String(text));
    }
    shortened(fields)
}

/// The fields as JSON, with texts cut until the line fits.
fn shortened(mut fields: Map<String, Value>) -> String {
    let mut longest_text = LONGEST_LINE / 2;
    loop {
        let line = Value::Object(fields.clone()).to_string();
        if line.len() < LONGEST_LINE {
            return line;
        }
        if longest_text < 64 {
            // So many fields that cutting does not help: what everybody needs is left.
            fields.retain(|key, _| key.starts_with('@'));
        }
        for text in fields.values_mut() {
            if let Value::String(text) = text {
                cut(text, longest_text);
            }
        }
        longest_text = (longest_text / 2).max(32);
    }
}

fn cut(text: &mut String, longest: usize) {
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest));
        text.push('…');
    }
}

/// The only form that Terraform reads: exactly six digits of a second.
fn timestamp(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.microsecond()
    )
}

/// Collects fields as JSON.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    /// Where an event of another crate stands in its source.
    fn place(&mut self, metadata: &Metadata<'_>) {
        let message =
            "another library has something to say, which may repeat secrets and is left out";
        self.0.insert("message".to_owned(), message.into());
        if let (Some(file), Some(line)) = (metadata.file(), metadata.line()) {
            let file = file.rsplit_once("/src/").map_or(file, |(_, file)| file);
            self.0
                .insert("place".to_owned(), format!("{file}:{line}").into());
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, value.to_string());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{debug, info, info_span, warn};

    use super::*;

    fn noon() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(1_700_000_000_000_042_999).expect("a time")
    }

    fn lines_of(events: impl FnOnce()) -> Vec<String> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let layer = Hclog::new(noon, move |line: &str| {
            sink.lock().expect("no panic").push(line.to_owned());
        });
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), events);
        let lines = lines.lock().expect("no panic");
        lines.clone()
    }

    fn parsed(line: &str) -> Value {
        serde_json::from_str(line).expect("a JSON object")
    }

    #[test]
    fn an_event_is_one_object_with_terraforms_keys() {
        let lines = lines_of(|| {
            info_span!("call", tf_rpc = "ReadResource", tf_req_id = 7).in_scope(|| {
                warn!(bucket = "logs", attempts = 3, last = true, "tried\nagain");
            });
        });
        assert_eq!(lines.len(), 1);
        assert!(!lines[0].contains('\n'), "one line: {}", lines[0]);
        assert_eq!(
            parsed(&lines[0]),
            serde_json::json!({
                "@level": "warn",
                "@message": "tried\nagain",
                "@module": "terraform_provider_replicated.plugin.logging.tests",
                "@timestamp": "2023-11-14T22:13:20.000042Z",
                "attempts": 3,
                "bucket": "logs",
                "last": true,
                "tf_req_id": 7,
                "tf_rpc": "ReadResource",
            })
        );
    }

    #[test]
    fn of_what_another_crate_says_only_the_place_is_told() {
        let lines = lines_of(|| {
            warn!(target: "aws_runtime::env_config", line = "hunter2", "`hunter2` ignored");
        });
        let told = parsed(&lines[0]);
        assert_eq!(told["@module"], "aws_runtime.env_config");
        assert!(
            told["place"]
                .as_str()
                .expect("a text")
                .contains("plugin/logging.rs:"),
            "{told}"
        );
        assert!(!lines[0].contains("hunter2"), "{}", lines[0]);
    }

    #[test]
    fn terraforms_keys_are_texts_whatever_the_fields_are_called() {
        let lines = lines_of(|| info!(message = 5, "@level" = 1, "@timestamp" = false));
        let line = parsed(&lines[0]);
        for key in ["@level", "@message", "@module", "@timestamp"] {
            assert!(line[key].is_string(), "{key} in {line}");
        }
        assert_eq!(line["@level"], "info");
        assert_eq!(line["@message"], "5");
    }

    #[test]
    fn fields_recorded_later_are_told_too() {
        let lines = lines_of(|| {
            let span = info_span!("call", outcome = tracing::field::Empty);
            span.record("outcome", "done");
            span.in_scope(|| debug!("end"));
        });
        assert_eq!(parsed(&lines[0])["outcome"], "done");
    }

    #[test]
    fn a_long_line_is_cut_and_stays_json() {
        // A quote takes two bytes in JSON, a control character six.
        for text in ["a", "é", "\"", "\u{1}"] {
            let lines = lines_of(|| {
                info!(
                    policy = text.repeat(200_000),
                    "long {}",
                    "x".repeat(200_000)
                )
            });
            assert!(lines[0].len() < LONGEST_LINE, "{} bytes", lines[0].len());
            let line = parsed(&lines[0]);
            assert!(
                line["@message"]
                    .as_str()
                    .expect("a text")
                    .starts_with("long xxx")
            );
            assert!(line["policy"].as_str().expect("a text").ends_with('…'));
        }
    }

    #[test]
    fn a_line_of_too_many_fields_keeps_terraforms_keys() {
        let mut fields = Map::new();
        for number in 0..10_000 {
            fields.insert(format!("field_{number}"), Value::from(number));
        }
        fields.insert("@message".into(), Value::from("kept"));
        assert_eq!(shortened(fields), r#"{"@message":"kept"}"#);
    }

    #[test]
    fn the_providers_own_variable_comes_first() {
        let ask = |variables: &[(&str, &str)]| {
            level("my-cloud", |wanted| {
                let found = variables.iter().find(|(name, _)| *name == wanted);
                found.map(|(_, value)| OsString::from(value))
            })
        };
        assert_eq!(ask(&[]), LevelFilter::OFF);
        assert_eq!(ask(&[("TF_LOG", "JSON")]), LevelFilter::TRACE);
        assert_eq!(ask(&[("TF_LOG", "debug")]), LevelFilter::DEBUG);
        assert_eq!(
            ask(&[("TF_LOG", "TRACE"), ("TF_LOG_PROVIDER", "ERROR")]),
            LevelFilter::ERROR
        );
        assert_eq!(
            ask(&[
                ("TF_LOG_PROVIDER", "TRACE"),
                ("TF_LOG_PROVIDER_MY_CLOUD", "OFF")
            ]),
            LevelFilter::OFF
        );
        assert_eq!(
            ask(&[("TF_LOG", "INFO"), ("TF_LOG_PROVIDER", "")]),
            LevelFilter::INFO
        );
    }
}
