//! The functions, on the resource itself and on objects that somebody wrote.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::framework::value::{Type, Value};

use crate::configs::{ABROAD, HOME, kms_abroad};
use crate::terraform::Terraform;

/// What a function tells of a value, as JSON.
async fn told(
    terraform: &Terraform,
    function: &str,
    (value, ty): (Value, Type),
) -> Result<Json, String> {
    let told = terraform.call(function, value, ty).await?;
    Ok(match told {
        Value::Map(_) => told.to_json(&Type::map(Type::String)).unwrap(),
        told => told.to_json(&Type::String).unwrap(),
    })
}

/// An object as HCL has it: every part of a type of its own.
pub fn literal(json: &Json) -> (Value, Type) {
    match json {
        Json::Object(entries) => {
            let parts = entries
                .iter()
                .map(|(key, value)| (key.clone(), literal(value)));
            let (values, types) = parts
                .map(|(key, (value, ty))| ((key.clone(), value), (key, ty)))
                .unzip();
            (Value::Object(values), Type::Object(types))
        }
        Json::String(text) => (Value::string(text), Type::String),
        Json::Null => (Value::Null, Type::String),
        Json::Bool(_) => (Value::from_json(json, &Type::Bool).unwrap(), Type::Bool),
        Json::Number(_) => (Value::from_json(json, &Type::Number).unwrap(), Type::Number),
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn each_function_tells_of_the_resource_what_its_attributes_say() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let resource = (terraform.state.clone(), terraform.ty());
    for (function, attribute) in [
        ("role_policy", "/role/policy_json"),
        (
            "destination_bucket_policy",
            "/destinations/backup/policy_json",
        ),
        (
            "destination_key_policy",
            "/destinations/backup/kms_key_policy_json",
        ),
    ] {
        let told = told(&terraform, function, resource.clone()).await.unwrap();
        let document = if told.is_object() {
            &told["backup"]
        } else {
            &told
        };
        assert!(document.is_string(), "{function}: {told}");
        assert_eq!(document, &terraform.at(attribute), "{function}");
    }
    let trust = told(&terraform, "trust_policy", resource).await.unwrap();
    let aws = terraform.cloud.aws.state();
    let role = aws.roles.values().next().unwrap();
    assert_eq!(trust, json!(role.description.trust_policy));
}

/// A setup over existing keys, with all that nobody is asked about.
fn written() -> Json {
    let key = |region: &str, account: &str| json!({ "sse_algorithm": "aws:kms", "kms_key_arn": format!("arn:aws:kms:{region}:{account}:key/00000000-0000-4000-8000-000000000001") });
    json!({
        "source": { "bucket": "acme", "region": "eu-west-1", "account_id": HOME, "encryption": key("eu-west-1", HOME) },
        "destinations": {
            "near": { "region": "eu-west-2", "encryption": { "sse_algorithm": "AES256" } },
            "far": {
                "region": "us-west-2",
                "assume_role": { "role_arn": format!("arn:aws:iam::{ABROAD}:role/Deploy") },
                "encryption": key("us-west-2", ABROAD)
            }
        }
    })
}

#[tokio::test]
async fn an_object_that_somebody_wrote_is_enough() {
    let terraform = Terraform::new();
    let object = literal(&written());
    let policy = told(&terraform, "role_policy", object.clone())
        .await
        .unwrap();
    let policy = policy.as_str().unwrap();
    for granted in ["acme-far/*", "acme-near/*", "arn:aws:kms:us-west-2"] {
        assert!(policy.contains(granted), "{granted}: {policy}");
    }
    let role = format!("arn:aws:iam::{HOME}:role/replication-acme");
    for function in ["destination_bucket_policy", "destination_key_policy"] {
        let documents = told(&terraform, function, object.clone()).await.unwrap();
        assert_eq!(documents["near"], Json::Null, "{function}");
        let far = documents["far"].as_str().unwrap();
        assert!(far.contains(&role), "{function}: {far}");
    }
}

#[tokio::test]
async fn an_object_of_which_no_policy_can_be_told_is_refused_in_words() {
    let terraform = Terraform::new();
    let cases: [(&str, Json, &str); 6] = [
        (
            "/source/region",
            Json::Null,
            "source.region: nothing here tells the provider's region",
        ),
        (
            "/source/account_id",
            Json::Null,
            "source.account_id: nothing here tells the provider's account",
        ),
        (
            "/source/encryption/kms_key_arn",
            Json::Null,
            "A key of this setup is still to be made",
        ),
        ("/source/bucket", json!("Acme"), "source.bucket"),
        ("/destinations", json!({}), "destinations"),
        (
            "/source/encryption",
            json!({ "sse_algoritm": "aws:kms" }),
            "Did you mean sse_algorithm?",
        ),
    ];
    for (place, value, says) in cases {
        let mut object = written();
        *object.pointer_mut(place).unwrap() = value;
        let refused = told(&terraform, "role_policy", literal(&object))
            .await
            .unwrap_err();
        assert!(refused.contains(says), "{place}: {refused}");
    }
}
