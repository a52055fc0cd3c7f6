//! What a person changed by hand shows in the plan, and apply repairs it.

use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::Setup;

on_each_client!(a_removed_bucket_policy_is_put_back);

async fn a_removed_bucket_policy_is_put_back(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    let s3 = setup.at_destination().s3;
    let replica = setup.replica_bucket();
    let before = s3.get_bucket_policy().bucket(&replica).send().await?;
    s3.delete_bucket_policy().bucket(&replica).send().await?;

    setup.workspace.plan().await?.with_code(2)?;
    setup.workspace.apply().await?.success()?;

    let after = s3.get_bucket_policy().bucket(&replica).send().await?;
    let meaning = |policy: Option<&str>| -> Outcome<serde_json::Value> {
        Ok(serde_json::from_str(policy.ok_or("no policy")?)?)
    };
    assert_eq!(meaning(after.policy())?, meaning(before.policy())?);
    setup.workspace.plan().await?.success()?;
    Ok(())
}
