//! The AWS edge: the only user of the AWS SDK.
