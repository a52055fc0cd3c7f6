//! What may befall a call, and what of the wire each stands for.
//!
//! Above the edge only the kind of an error counts, and what passes within its retries is never seen. So several faults
//! of the wire are one fault here. That they are is shown in `tests/edge/faults.rs`:
//!
//! | on the wire | here | shown by |
//! |---|---|---|
//! | 500, 503, throttling, a cut or a truncated answer, passing, of a read | nothing | `a_read_goes_on_through_passing_failures` |
//! | the same of a write that changes nothing more the second time | nothing | `a_write_that_changes_nothing_more_the_second_time_is_sent_again` |
//! | throttling, passing, of a create | nothing | `a_create_that_was_turned_away_is_sent_again` |
//! | throttling, lasting | `Throttled` | `retries_end_with_the_configured_number_and_say_why` |
//! | 500, 502, 503, truncated, garbled or empty answers of a create | `Ambiguous` | `a_create_that_may_have_been_done_is_ambiguous_however_the_answer_got_lost` |
//! | a create cut off, before or after it was applied | `Ambiguous` | `a_create_whose_answer_is_lost_is_ambiguous_and_was_sent_once` |
//! | a hang | `Ambiguous` | `a_create_that_is_never_answered_is_ambiguous_and_was_sent_once` |
//! | connection refused | `Transport` | `a_refused_connection_is_certainly_not_carried_out` |
//! | an expired session | `Credentials` | `a_session_that_aws_calls_expired_is_an_error_of_credentials_and_begun_anew_next_time` (`sessions.rs`) |
//! | `AccessDenied`, `OperationAborted` | `AccessDenied`, `Conflict` | the edge's table of codes |

use terraform_provider_replicated::execution::cloud::CallErrorKind;

/// What befalls a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is answered with this, and not carried out.
    Refused(CallErrorKind),
    /// The same, whenever the same call is made.
    RefusedLasting(CallErrorKind),
    /// It fails inside AWS, or on the way there, and is not carried out; nobody can tell.
    Failed,
    /// The same, whenever the same call is made.
    FailedLasting,
    /// It is carried out, and the answer is lost.
    AnswerLost,
    /// The same, whenever the same call is made.
    AnswerLostLasting,
    /// From here on nothing can be connected to.
    Unreachable,
    /// From here on the account's session is over.
    Expired,
    /// It is not answered before all time is over.
    Hangs,
    /// The process dies before the call is carried out.
    Killed,
    /// The process dies after it was.
    KilledAfter,
    /// Terraform is asked to stop at this moment, and asks the provider.
    Interrupted,
}

/// What else it strikes from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts {
    Once,
    ForThisCall,
    ForTheAccount,
    ForEverything,
}

/// A fault under the name that the table has for it.
pub type Named = (&'static str, Fault);

/// Every fault. In brackets stands what of the wire comes to the same.
pub const FAULTS: [Named; 14] = [
    (
        "AccessDenied",
        Fault::RefusedLasting(CallErrorKind::AccessDenied),
    ),
    ("OperationAborted", Fault::Refused(CallErrorKind::Conflict)),
    (
        "OperationAborted, lasting",
        Fault::RefusedLasting(CallErrorKind::Conflict),
    ),
    (
        "throttling that outlasts all retries",
        Fault::RefusedLasting(CallErrorKind::Throttled),
    ),
    (
        "500 or 503 (cut, truncated or garbled before it was applied)",
        Fault::Failed,
    ),
    ("500 or 503, lasting", Fault::FailedLasting),
    ("connection refused", Fault::Unreachable),
    (
        "cut after it was applied (truncated, garbled)",
        Fault::AnswerLost,
    ),
    (
        "cut after it was applied, lasting",
        Fault::AnswerLostLasting,
    ),
    ("hang beyond the time-out", Fault::Hangs),
    ("expired session", Fault::Expired),
    ("SIGKILL before", Fault::Killed),
    ("SIGKILL after", Fault::KilledAfter),
    ("SIGINT", Fault::Interrupted),
];

impl Fault {
    /// As the head of the table has room for it; `+` where it lasts.
    pub fn short(self) -> &'static str {
        match self {
            Self::RefusedLasting(CallErrorKind::AccessDenied) => "denied",
            Self::RefusedLasting(CallErrorKind::Throttled) => "throttled",
            Self::RefusedLasting(_) => "aborted+",
            Self::Refused(_) => "aborted",
            Self::Failed => "500",
            Self::FailedLasting => "500+",
            Self::Unreachable => "unreachable",
            Self::AnswerLost => "cut",
            Self::AnswerLostLasting => "cut+",
            Self::Hangs => "hang",
            Self::Expired => "expired",
            Self::Killed => "kill-before",
            Self::KilledAfter => "kill-after",
            Self::Interrupted => "SIGINT",
        }
    }

    pub fn lasts(self) -> Lasts {
        match self {
            Self::Refused(_) | Self::Failed | Self::AnswerLost => Lasts::Once,
            Self::Hangs | Self::Interrupted => Lasts::Once,
            Self::RefusedLasting(_) | Self::FailedLasting | Self::AnswerLostLasting => {
                Lasts::ForThisCall
            }
            Self::Expired => Lasts::ForTheAccount,
            Self::Unreachable | Self::Killed | Self::KilledAfter => Lasts::ForEverything,
        }
    }
}
