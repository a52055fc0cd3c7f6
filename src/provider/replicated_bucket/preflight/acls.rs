//! ACLs: a bucket whose ACL grants others something cannot be closed to ACLs.

use futures::future::join_all;

use crate::execution::cloud::CallError;
use crate::framework::diagnostics::Diagnostics;
use crate::provider::replicated_bucket::model::BucketModel;
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::settings::Session;
use crate::replication::component::Side;
use crate::replication::operation::{Answer, Query};
use crate::replication::spec::{BucketSpec, Spec};

/// Refuses `BucketOwnerEnforced` on buckets whose ACL still grants others something: S3 answers it with
/// `InvalidBucketAclWithObjectOwnership`. Only buckets that have another ownership now are looked at.
pub(crate) async fn foreign_grants(
    session: &Session,
    spec: &Spec,
    prior: Option<&BucketModel>,
    model: &BucketModel,
) -> Diagnostics {
    let closing: Vec<(Side, &BucketSpec)> = spec
        .buckets()
        .filter(|(side, bucket)| {
            let enforced = bucket
                .settings()
                .is_some_and(|s| s.object_ownership == ENFORCED);
            enforced && is_open(prior, model, side)
        })
        .collect();
    let answers = join_all(closing.iter().map(|(_, bucket)| {
        let query = Query::GetBucketAcl {
            bucket: bucket.name.to_string(),
        };
        async move { session.cloud.query(&bucket.location, &query).await }
    }))
    .await;
    let mut diagnostics = Diagnostics::new();
    for ((side, bucket), answer) in closing.into_iter().zip(answers) {
        tell(&side, bucket, answer, &mut diagnostics);
    }
    diagnostics
}

const ENFORCED: &str = "BucketOwnerEnforced";

/// Whether state has the bucket, and not with its ACL out of force.
fn is_open(prior: Option<&BucketModel>, model: &BucketModel, side: &Side) -> bool {
    let bucket = model.side(side).and_then(|side| side.bucket.known());
    let before = bucket.and_then(|bucket| prior?.side_of_bucket(bucket));
    before.is_some_and(|(_, before)| {
        before.object_ownership.known().map(String::as_str) != Some(ENFORCED)
    })
}

fn tell(
    side: &Side,
    bucket: &BucketSpec,
    answer: Result<Answer, CallError>,
    diagnostics: &mut Diagnostics,
) {
    let Ok(Answer::Names(grants)) = answer else {
        // Whoever may not read the ACL hears of it from S3 when the setting is written.
        return;
    };
    if !grants.is_empty() {
        diagnostics.error_at(
            side_path(side).attribute("object_ownership"),
            format!("The ACL of bucket {} grants others something", bucket.name),
            format!("With BucketOwnerEnforced ACLs are out of force, and S3 refuses that while the ACL of {} grants: {}. Move these grants into the bucket's policy and set the ACL to private, or write object_ownership = \"BucketOwnerPreferred\" or \"ObjectWriter\". Nothing was changed.", bucket.name, grants.join(", ")),
        );
    }
}
