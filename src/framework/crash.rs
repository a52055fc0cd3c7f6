//! What may be told of a panic: where it was, and what it says where that is a text of the source.
//!
//! A formatted message may repeat values, and values may be secret: it is told nowhere. The process's panic hook
//! calls [`remember`]; what a call that panicked answers is a [`report`] to send to the provider's developers.

use std::any::Any;
use std::panic::PanicHookInfo;
use std::sync::{Mutex, PoisonError};

/// Stands for a message that was put together when the panic happened.
const LEFT_OUT: &str = "(its message may repeat values, and is left out)";

/// The last panic of this process. Two at the same moment are two faults to report, whichever is told.
static LAST: Mutex<Option<Crash>> = Mutex::new(None);

#[derive(Clone)]
struct Crash {
    program: String,
    place: Option<String>,
}

/// Keeps where a panic was for the [`report`] of the call that it ends. `program` names the provider and its version.
/// Returns what may be told at once: the message, where it is a text of the source, and the place.
pub fn remember(program: &str, panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map(ToString::to_string);
    let message = message(panic.payload());
    let told = match &place {
        Some(place) => format!("{message}\n  at {place}"),
        None => message.to_owned(),
    };
    let program = program.to_owned();
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(Crash { program, place });
    told
}

/// What a report is known by.
pub const FIRST_LINE: &str = "program: ";

/// A text for the provider's developers that holds nothing of anybody's configuration.
pub(crate) fn report(operation: &str, panic: &(dyn Any + Send)) -> String {
    let last = LAST.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (program, place) = last.map_or((None, None), |crash| (Some(crash.program), crash.place));
    let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    format!(
        "While the provider tried to {operation}, its code panicked. What Terraform knew before is kept.\n\n\
         This is a bug in the provider. Please report it to the provider's developers with these lines, which hold \
         nothing of your configuration:\n\n  \
         {FIRST_LINE}{program}, {system} {machine}\n  \
         operation: {operation}\n  \
         panic: {message}\n  \
         place: {place}\n\n\
         Add the steps that led here, and the configuration without its secrets. Another run with RUST_BACKTRACE=1 \
         adds the way there to Terraform's output.",
        program = program.as_deref().unwrap_or("(unknown)"),
        message = message(panic),
        place = place.as_deref().unwrap_or("(unknown)"),
    )
}

/// A text of the source is always the same; any other was made of values.
fn message(panic: &(dyn Any + Send)) -> &'static str {
    panic
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or(LEFT_OUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panic_of(code: impl FnOnce()) -> Box<dyn Any + Send> {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(code)).unwrap_err()
    }

    #[test]
    fn a_text_of_the_source_is_told_and_one_made_of_values_is_not() {
        let literal = panic_of(|| panic!("out of luck"));
        let told = report("plan test_thing", literal.as_ref());
        assert!(told.contains("panic: out of luck\n"), "{told}");
        assert!(told.contains("operation: plan test_thing\n"), "{told}");

        let secret = std::hint::black_box("hunter2é".to_owned());
        for leak in [
            panic_of(|| panic!("cannot use {secret}")),
            panic_of(|| drop(secret[..8].to_owned())),
            panic_of(|| std::panic::panic_any(secret.clone())),
        ] {
            let told = report("plan test_thing", leak.as_ref());
            assert!(!told.contains("hunter2"), "{told}");
            assert!(told.contains("is left out"), "{told}");
        }
    }
}
