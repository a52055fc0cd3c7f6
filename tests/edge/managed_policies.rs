//! Customer managed policies at the emulator: each call of the edge about them does what it is named after.

use terraform_provider_replicated::execution::cloud::{CallErrorKind, Cloud as _};
use terraform_provider_replicated::replication::operation::{
    Answer, ManagedPolicyDescription, ManagedPolicyOperation as ManagedPolicy, Operation, Query,
    Tags,
};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use crate::emulator::Emulated;
use crate::setting::{create_role, tags};

fn allowing(action: &str) -> PolicyDocument {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"S","Effect":"Allow","Action":"{action}","Resource":"arn:aws:s3:::acme/*"}}]}}"#
    );
    PolicyDocument::parse(&text).unwrap()
}

#[tokio::test]
async fn a_managed_policy_lives_through_all_that_can_happen_to_it() {
    let aws = Emulated::new("eu-west-1").await;
    let arn = || {
        format!(
            "arn:aws:iam::{}:policy/service-role/replication-1",
            aws.here.account
        )
    };
    let get = || Query::GetPolicy { policy_arn: arn() };
    let described = |version: &str, tags: &Tags| {
        Answer::ManagedPolicy(ManagedPolicyDescription {
            default_version: version.to_owned(),
            tags: tags.clone(),
        })
    };
    let done = async |operation| aws.done(Operation::ManagedPolicy(operation)).await;
    let refused = async |operation| {
        let operation = Operation::ManagedPolicy(operation);
        let answer = aws.cloud.perform(&aws.here, &operation).await;
        answer.unwrap_err().kind
    };
    let create = || ManagedPolicy::Create {
        policy_arn: arn(),
        path: "/service-role/".to_owned(),
        document: allowing("s3:ReplicateObject"),
        tags: tags(),
    };
    aws.absent(get(), "NoSuchEntity").await;
    done(create()).await;
    assert_eq!(aws.see(get()).await, described("v1", &tags()));
    assert_eq!(refused(create()).await, CallErrorKind::AlreadyExists);

    done(ManagedPolicy::CreateVersion {
        policy_arn: arn(),
        document: allowing("s3:ReplicateTags"),
    })
    .await;
    assert_eq!(aws.see(get()).await, described("v2", &tags()));
    let read = |version: &str| Query::GetPolicyVersion {
        policy_arn: arn(),
        version: version.to_owned(),
    };
    let text = |action| Answer::Text(allowing(action).render().unwrap());
    assert_eq!(aws.see(read("v2")).await, text("s3:ReplicateTags"));
    assert_eq!(aws.see(read("v1")).await, text("s3:ReplicateObject"));
    let versions = || Query::ListPolicyVersions { policy_arn: arn() };
    let Answer::Names(mut listed) = aws.see(versions()).await else {
        panic!("not a list of versions");
    };
    listed.sort();
    assert_eq!(listed, ["v1", "v2"]);

    let more = Tags::from([("team".to_owned(), "storage".to_owned())]);
    done(ManagedPolicy::Tag {
        policy_arn: arn(),
        tags: more.clone(),
    })
    .await;
    done(ManagedPolicy::Untag {
        policy_arn: arn(),
        tag_keys: tags().into_keys().collect(),
    })
    .await;
    assert_eq!(aws.see(get()).await, described("v2", &more));

    aws.write(create_role("replication")).await;
    let role = || "replication".to_owned();
    done(ManagedPolicy::Attach {
        role: role(),
        policy_arn: arn(),
    })
    .await;
    let attached = || Query::ListAttachedRolePolicies { role: role() };
    assert_eq!(aws.see(attached()).await, Answer::Names(vec![arn()]));
    let delete = || ManagedPolicy::Delete { policy_arn: arn() };
    assert_eq!(refused(delete()).await, CallErrorKind::InvalidState);
    aws.done(Operation::DetachRolePolicy {
        role: role(),
        policy_arn: arn(),
    })
    .await;

    let delete_version = |version: &str| ManagedPolicy::DeleteVersion {
        policy_arn: arn(),
        version: version.to_owned(),
    };
    assert_eq!(
        refused(delete_version("v2")).await,
        CallErrorKind::InvalidState
    );
    done(delete_version("v1")).await;
    assert_eq!(
        aws.see(versions()).await,
        Answer::Names(vec!["v2".to_owned()])
    );
    done(delete()).await;
    aws.absent(get(), "NoSuchEntity").await;
}
