//! The block `assume_role_with_web_identity`, of the provider itself and of its `account` blocks.

use super::environment::Environment;
use crate::aws::Secret;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::{Attr, Sensitive, known_items};
use crate::framework::schema::{Attribute, Setter};
use crate::framework::value::{AttributePath, Type};
use crate::model;
use crate::provider::checks;
use crate::provider::duration::session_seconds;
use crate::replication::ids::WebIdentity;

use Setter::Optional;

model! {
    /// `assume_role_with_web_identity`.
    WebIdentityModel {
        /// The role.
        role_arn: String,
        /// Session name.
        session_name: String,
        /// Session policy.
        policy: String,
        /// Managed session policies.
        policy_arns: Vec<Attr<String>>,
        /// Duration, Go syntax.
        duration: String,
        /// The token.
        web_identity_token: Sensitive,
        /// File with the token.
        web_identity_token_file: String,
    }
}

/// The attributes of the block.
pub(super) fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::string("role_arn", Optional, "ARN of the role to assume. Else, for the provider itself, `AWS_ROLE_ARN`.")
            .validate(checks::role_arn()),
        Attribute::string("session_name", Optional, "Name of the session. Else, for the provider itself, `AWS_ROLE_SESSION_NAME`. Default: one name for the whole run, the same in every account.")
            .validate(checks::session_name()),
        Attribute::string("policy", Optional, "Session policy (JSON) that narrows what the session may do."),
        Attribute::new("policy_arns", Type::List(Box::new(Type::String)), Optional, "Managed policies that narrow what the session may do."),
        Attribute::string("duration", Optional, "Length of the session as a Go duration, such as `1h` or `90m`; 15 minutes to 12 hours.")
            .validate(checks::session_duration()),
        Attribute::string("web_identity_token", Optional, "The token itself. It is sent to STS and kept nowhere; where it changes with every run, so that the way in of a destination that goes must still work, use a file.")
            .sensitive(),
        Attribute::string("web_identity_token_file", Optional, "File with the token, read again for each session. Else `AWS_WEB_IDENTITY_TOKEN_FILE`."),
    ]
}

/// A web identity with its token, where no file holds that.
#[derive(Debug, Clone)]
pub(super) struct Expanded {
    pub(super) identity: WebIdentity,
    pub(super) token: Option<Secret>,
}

/// The domain's form. A pod's own role and session name in the environment are for the provider itself alone; its
/// token may lead to other accounts, too.
pub(super) fn expand(
    model: &WebIdentityModel,
    is_own: bool,
    environment: &Environment,
) -> Expanded {
    let own = |name| is_own.then(|| environment.get(name)).flatten();
    let token = model.web_identity_token.known();
    let token = token.map(|token| Secret::new(token.reveal()));
    let file = model
        .web_identity_token_file
        .known()
        .map(|path| environment.expand_path(path));
    let from_environment = || environment.get("AWS_WEB_IDENTITY_TOKEN_FILE");
    Expanded {
        identity: WebIdentity {
            role_arn: model
                .role_arn
                .known()
                .cloned()
                .or_else(|| own("AWS_ROLE_ARN"))
                .unwrap_or_default(),
            session_name: model
                .session_name
                .known()
                .cloned()
                .or_else(|| own("AWS_ROLE_SESSION_NAME")),
            duration_seconds: session_seconds(model.duration.known()),
            policy: model.policy.known().cloned(),
            policy_arns: known_items(&model.policy_arns),
            token_file: match token {
                Some(_) => None,
                None => file.or_else(from_environment),
            },
        },
        token,
    }
}

/// Refuses a block without a role or a token, or with two tokens.
pub(super) fn check(
    model: &WebIdentityModel,
    is_own: bool,
    path: &AttributePath,
    environment: &Environment,
    diagnostics: &mut Diagnostics,
) {
    let expanded = expand(model, is_own, environment);
    if !model.role_arn.is_unknown() && expanded.identity.role_arn.is_empty() {
        diagnostics.error_at(
            path.attribute("role_arn"),
            "No role",
            if is_own {
                "Write `role_arn`, the role that the web identity assumes, or set AWS_ROLE_ARN."
            } else {
                "Write `role_arn`, the role in that account that the web identity assumes."
            },
        );
    }
    let (token, file) = (&model.web_identity_token, &model.web_identity_token_file);
    if !token.is_null() && !file.is_null() {
        diagnostics.error_at(
            path.attribute("web_identity_token_file"),
            "Two tokens",
            "`web_identity_token` and `web_identity_token_file` exclude each other; write one of them.",
        );
    }
    let none = token.is_null() && file.is_null() && expanded.identity.token_file.is_none();
    if none {
        diagnostics.error_at(
            path.clone(),
            "No token",
            "A web identity needs its token: write `web_identity_token` or `web_identity_token_file`, or set AWS_WEB_IDENTITY_TOKEN_FILE.",
        );
    }
}
