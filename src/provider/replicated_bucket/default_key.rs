//! The key of a bucket's default encryption: S3 takes any name of a key, or none, and grants need its ARN.

use crate::execution::cloud::{CallError, CallErrorKind};
use crate::provider::settings::Session;
use crate::replication::ids::Location;
use crate::replication::operation::{Answer, BucketEncryption, Query};

/// The ARN of a key that is not named by it; none where there is nothing to look up, and of the key that AWS manages as
/// long as nobody has used it.
pub(crate) async fn look_up(
    session: &Session,
    at: &Location,
    encryption: &BucketEncryption,
) -> Result<Option<String>, CallError> {
    let Some(named) = encryption.key_to_look_up() else {
        return Ok(None);
    };
    let query = Query::DescribeKey {
        key: named.to_owned(),
    };
    match session.cloud.query(at, &query).await {
        Ok(Answer::Key(key)) => Ok(Some(key.arn)),
        Ok(_) => Ok(None),
        Err(error) if error.kind == CallErrorKind::NotFound && encryption.kms_key.is_none() => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
