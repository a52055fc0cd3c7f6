//! `moved` blocks: the state of a bucket, or of its replication configuration, from `hashicorp/aws`.
//!
//! Terraform asks for this before the provider is configured, so what comes of it is no more than a name: the refresh
//! that follows finds everything, exactly as an import does.

use super::import::{ImportId, import};
use super::model::BucketModel;
use super::private::Private;
use super::{encode, identity};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::provider::{MoveRequest, MoveResponse};
use crate::provider::settings::Session;

/// The provider whose resources are taken over, at whatever registry.
const PROVIDER: &str = "/hashicorp/aws";
/// Its resource types.
const TYPES: [&str; 2] = ["aws_s3_bucket", "aws_s3_bucket_replication_configuration"];

/// Takes over what tells the bucket.
pub(crate) fn move_state(request: &MoveRequest) -> MoveResponse {
    let mut response = MoveResponse::default();
    let (from, ty) = (&request.source_provider_address, &request.source_type_name);
    if !from.ends_with(PROVIDER) || !TYPES.contains(&ty.as_str()) {
        response.diagnostics.error(
            "Move is not supported",
            format!("A `moved` block leads to replicated_bucket from {} of hashicorp/aws, and this one from {ty} of {from}. Let the old resource leave the state by a `removed` block with destroy = false, and import the bucket.", TYPES.join(" or ")),
        );
        return response;
    }
    let Some(source) = source(request) else {
        response.diagnostics.error(
            "The state names no bucket",
            format!("The state of {ty} should have the bucket's name in `bucket`, and what stands there is no name of a bucket. Let the old resource leave the state by a `removed` block with destroy = false, and import the bucket."),
        );
        return response;
    };
    response.target_state = encode(&source.place());
    response.target_identity = identity::of(&response.target_state);
    response.target_private = Private {
        moved: true,
        ..Private::default()
    }
    .write();
    response
}

/// The bucket: its name, and where the old state tells them its account and region. Both majors of the old provider
/// keep the name in `bucket`. Its version 5 keeps a bucket's region in `region`, where version 6 has the region that
/// it is configured for; that of the bucket is then in `bucket_region`.
fn source(request: &MoveRequest) -> Option<ImportId> {
    let state = &request.source_state;
    let told = |name: &str| state.get(name)?.as_str();
    let bucket = told("bucket").or_else(|| told("id"))?;
    let region = told("bucket_region").or_else(|| told("region"));
    let identity = request.source_identity.as_ref();
    let account = identity.and_then(|identity| identity.get("account_id")?.as_str());
    ImportId::of_place(bucket, account, region)
}

/// What a refresh begins with after a move: everything that an import finds.
pub(crate) async fn imported(
    session: &Session,
    moved: &BucketModel,
    diagnostics: &mut Diagnostics,
) -> Option<(BucketModel, Private)> {
    let source = moved.source.known()?;
    let id = ImportId::of_place(
        source.bucket.known()?,
        source.account_id.known().map(String::as_str),
        source.region.known().map(String::as_str),
    )?;
    import(session, id, diagnostics).await
}

/// Before a refresh there is nothing to plan from.
pub(crate) fn refuse_unseen(diagnostics: &mut Diagnostics) {
    diagnostics.error(
        "The bucket was moved here and not looked at yet",
        "A `moved` block takes over the bucket's name alone; the refresh that follows finds its destinations, keys and role. Plan without -refresh=false, and with a provider configuration that is known. Nothing was changed.",
    );
}
