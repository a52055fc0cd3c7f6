//! The emulator: accounts are apart, roles can be entered, and it ends with whoever started it.

use std::net::TcpStream;

use support::Outcome;
use support::emulator::{Clients, Emulator, unique_name};
use support::terraform::terminate;

#[tokio::test]
async fn two_accounts_have_roles_of_the_same_name() -> Outcome {
    let emulator = Emulator::shared()?;
    let (source, destination) = (emulator.new_account(), emulator.new_account());
    source.create_deploy_role(&source).await?;
    destination.create_deploy_role(&source).await?;
    let found = destination
        .clients("us-east-1")
        .iam
        .get_role()
        .role_name("Deploy")
        .send()
        .await?;
    let arn = found.role().map(|role| role.arn().to_owned());
    assert_eq!(arn, Some(destination.deploy_role_arn()));
    Ok(())
}

#[tokio::test]
async fn a_session_of_one_account_enters_the_other_by_its_role() -> Outcome {
    let emulator = Emulator::shared()?;
    let (source, destination) = (emulator.new_account(), emulator.new_account());
    source.create_deploy_role(&source).await?;
    destination.create_deploy_role(&source).await?;
    let session = source.deploy_session().await?;
    let sts = Clients::new(emulator.address(), "us-east-1", session).sts;
    let entered = sts
        .assume_role()
        .role_arn(destination.deploy_role_arn())
        .role_session_name("case")
        .send()
        .await?;
    let arn = entered.assumed_role_user().map(|user| user.arn());
    let expected = format!("arn:aws:sts::{}:assumed-role/Deploy/case", destination.id());
    assert_eq!(arn, Some(expected.as_str()));
    Ok(())
}

#[tokio::test]
async fn a_role_does_not_let_strangers_in() -> Outcome {
    let emulator = Emulator::shared()?;
    let (owner, stranger) = (emulator.new_account(), emulator.new_account());
    owner.create_deploy_role(&owner).await?;
    stranger.create_deploy_role(&stranger).await?;
    let session = stranger.deploy_session().await?;
    let refused = Clients::new(emulator.address(), "us-east-1", session)
        .sts
        .assume_role()
        .role_arn(owner.deploy_role_arn())
        .role_session_name("case")
        .send()
        .await;
    assert!(refused.is_err(), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn what_remains_in_an_account_is_named_until_it_is_gone() -> Outcome {
    let account = Emulator::shared()?.new_account();
    let clients = account.clients("us-east-1");
    account.create_deploy_role(&account).await?;
    assert_eq!(clients.remains().await?, Vec::<String>::new());

    let bucket = unique_name("remains");
    clients.s3.create_bucket().bucket(&bucket).send().await?;
    let key = clients.kms.create_key().send().await?;
    let key = key
        .key_metadata()
        .map(|key| key.key_id().to_owned())
        .ok_or("no key")?;
    assert_eq!(
        clients.remains().await?,
        [format!("bucket {bucket}"), format!("key {key}")]
    );

    clients.s3.delete_bucket().bucket(&bucket).send().await?;
    clients
        .kms
        .schedule_key_deletion()
        .key_id(&key)
        .send()
        .await?;
    assert_eq!(clients.remains().await?, Vec::<String>::new());
    Ok(())
}

#[test]
fn an_emulator_ends_when_its_owner_lets_go() -> Outcome {
    let emulator = Emulator::start()?;
    let address = emulator.address();
    TcpStream::connect(address)?;
    drop(emulator);
    // It was waited for: nobody listens there any more.
    assert!(TcpStream::connect(address).is_err());
    Ok(())
}

#[test]
fn an_emulator_that_is_kept_outlives_its_owner_until_it_is_terminated() -> Outcome {
    let emulator = Emulator::start()?;
    let address = emulator.address();
    let process_id = emulator.keep()?;
    TcpStream::connect(address)?;
    terminate(process_id)?;
    while TcpStream::connect(address).is_ok() {
        std::thread::yield_now();
    }
    Ok(())
}
