//! The action `replicated_bucket_verify`: canaries show whether objects cross, whenever that is asked.
//!
//! The setup is found as an import finds it, so that no state is needed. It changes nothing but the role's tags that say
//! when canaries last crossed: the resource's own `verified_at` is the attribute's alone.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use tokio_util::sync::CancellationToken;

use super::checks;
use super::replicated_bucket::attributes::verification::{DEFAULT_TIMEOUT, refuse_long_keys, time};
use super::replicated_bucket::schema::verification::key_prefix;
use super::replicated_bucket::status::{check_import_id, look};
use super::replicated_bucket::verification::memory::remember;
use super::replicated_bucket::verification::{Asker, plan, verify};
use super::settings::Shared;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::framework::provider::{Action, ActionEvent};
use crate::framework::schema::{Attribute, Block, Schema, Setter};
use crate::framework::told::{Teller, told};
use crate::framework::value::{AttributePath, Value};
use crate::model;
use crate::replication::canary::DEFAULT_KEY_PREFIX;
use crate::replication::last_verified::is_ours;
use crate::replication::spec::VerificationSpec;

model! {
    /// `config` of the action.
    VerifyModel {
        /// The ID with which the setup imports.
        import_id: String,
        /// What keys of canaries begin with.
        key_prefix: String,
        /// How long they may take.
        timeout: String,
    }
}

/// The action.
pub struct VerifyAction {
    shared: Arc<Shared>,
}

impl VerifyAction {
    /// An action that uses the process's session.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

#[async_trait]
impl Action for VerifyAction {
    fn type_name(&self) -> &str {
        "replicated_bucket_verify"
    }

    fn schema(&self) -> Schema {
        Schema {
            block: Block {
                attributes: vec![
                    Attribute::string(
                        "import_id",
                        Setter::Required,
                        "The ID with which the setup imports: `import_id` of the resource.",
                    )
                    .validate(checks::text(check_import_id)),
                    key_prefix(Setter::Optional),
                    Attribute::string(
                        "timeout",
                        Setter::Optional,
                        &format!("How long canaries may take to cross, as a Go duration. One that is still pending then is an error. Default: `{DEFAULT_TIMEOUT}`."),
                    )
                    .validate(checks::duration()),
                ],
                description: "Shows by real objects that a setup replicates: a small object is written for each enabled rule, followed until its replica is in the destination with the right owner, storage class and tags, and every version of it is deleted again. Each rule tells how it went; one whose object does not cross is an error that names what S3 was most likely refused. For clients without actions the same is `terraform-provider-replicated verify <import id>`.".to_owned(),
                ..Block::default()
            },
            ..Schema::default()
        }
    }

    async fn invoke(
        &self,
        config: Value,
        stop: CancellationToken,
    ) -> BoxStream<'static, ActionEvent> {
        let shared = Arc::clone(&self.shared);
        told(move |teller| async move { run(&shared, &config, &stop, &teller).await })
    }
}

async fn run(
    shared: &Shared,
    config: &Value,
    stop: &CancellationToken,
    teller: &Teller,
) -> Diagnostics {
    let mut said = Diagnostics::new();
    let begun = shared.begin_action::<VerifyModel>(config, &mut said);
    let Some((session, model)) = begun else {
        return said;
    };
    let or = |written: &Attr<String>, default: &str| match written {
        Attr::Known(text) => text.clone(),
        _ => default.to_owned(),
    };
    let import_id = or(&model.import_id, "");
    let Some(status) = look(&session, &import_id, &mut said).await else {
        return said;
    };
    let timeout = or(&model.timeout, DEFAULT_TIMEOUT);
    let how = VerificationSpec {
        enabled: true,
        key_prefix: or(&model.key_prefix, DEFAULT_KEY_PREFIX),
        timeout: time(&timeout),
    };
    let path = AttributePath::root("key_prefix");
    refuse_long_keys(&status.spec, &how.key_prefix, &path, &mut said);
    let asker = Asker::ImportId;
    let specs = (&status.spec, None);
    plan::refuse_obstacles(&session, specs, &how, asker, &mut said).await;
    if said.has_error() {
        return said;
    }
    let tell = |line: String| teller.say(line);
    let proof = verify(&session, &status.spec, &how, how.timeout, stop, &tell, &[]).await;
    let lines = proof.lines();
    if lines.is_empty() {
        said.error_at(
            AttributePath::root("import_id"),
            "Nothing replicates from this bucket",
            format!("A verification sends an object for each enabled rule, and {} has none. Run `terraform apply` first, or write `enabled = true` for a rule.", status.spec.source.name),
        );
        return said;
    }
    for line in lines {
        teller.say(line);
    }
    if status.role.is_some_and(|role| is_ours(&status.spec, &role)) {
        remember(&session, &status.spec, &proof, &mut said).await;
    }
    let words = ("Nothing was changed.", "Verify again later.");
    proof.tell(asker, words, &mut said);
    if !proof.is_complete() && !said.has_error() {
        said.error_at(
            AttributePath::root("timeout"),
            "Not every canary crossed",
            format!("Some were still under way after {timeout}. Nothing is known to be wrong. Nothing was changed."),
        );
    }
    said
}
