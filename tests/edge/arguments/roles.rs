//! The table's part about roles: `assume_role` and `assume_role_with_web_identity`, of the provider itself and of its
//! `account` blocks.

use serde_json::{Value as Json, json};

use super::row::{Row, Shows};
use super::shown;

/// The account of the `account` blocks.
const OTHER: &str = "222222222222";
const ROLE: &str = "arn:aws:iam::111111111111:role/Deploy";
const ROLE_THERE: &str = "arn:aws:iam::222222222222:role/Deploy";

/// Attributes of `assume_role` beside the role: what is written, the field of `AssumeRole`, and what it holds then.
fn role_attributes() -> Vec<(&'static str, Json, &'static str, &'static str)> {
    vec![
        ("session_name", json!("mine"), "RoleSessionName", "mine"),
        ("external_id", json!("ext"), "ExternalId", "ext"),
        ("duration", json!("30m"), "DurationSeconds", "1800"),
        ("policy", json!("{}"), "Policy", "{}"),
        (
            "policy_arns",
            json!(["arn:aws:iam::aws:policy/X"]),
            "PolicyArns.member.1.arn",
            "arn:aws:iam::aws:policy/X",
        ),
        ("source_identity", json!("ann"), "SourceIdentity", "ann"),
        (
            "tags",
            json!({ "team": "ops" }),
            "Tags.member.1.Value",
            "ops",
        ),
        (
            "transitive_tag_keys",
            json!(["team"]),
            "TransitiveTagKeys.member.1",
            "team",
        ),
    ]
}

/// What a field of a session holds where nobody writes it.
fn unwritten(attribute: &str) -> &'static str {
    match attribute {
        "session_name" => "the run's own",
        _ => "not sent",
    }
}

/// A block with a role, and one attribute more.
fn role(arn: &str, attribute: &str, value: &Json) -> Json {
    json!([{ "role_arn": arn, attribute: value }])
}

pub(super) fn rows_of_roles() -> Vec<Row> {
    let of_profile = format!(
        "role_arn = {ROLE}\nsource_profile = base\n[profile base]\naws_access_key_id = AKIDPROFILE\n\
         aws_secret_access_key = s"
    );
    let mut rows = vec![
        Row::new("assume_role.role_arn", shown::chain)
            .without_keys()
            .with_file(".aws/credentials", "[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = s\n")
            .left_out("")
            .block(json!({ "assume_role": [{ "role_arn": ROLE }] }), "AKIDDEFAULT for Deploy")
            .block(
                json!({ "assume_role": [{ "role_arn": ROLE }, { "role_arn": ROLE_THERE.replace("Deploy", "Last") }] }),
                "AKIDDEFAULT for Deploy, AKIDDeploy for Last",
            )
            // The environment has no word in it: AWS_ROLE_ARN is a web identity's.
            .beside(json!({}), &[("AWS_ROLE_ARN", ROLE)], "")
            .profile(&of_profile, "AKIDPROFILE for Deploy"),
    ];
    for (name, value, field, sent) in role_attributes() {
        let row = Row::new(
            &format!("assume_role.{name}"),
            shown::session("AssumeRole", field),
        )
        .with_block(json!({ "assume_role": [{ "role_arn": ROLE }] }))
        .left_out(unwritten(name))
        .block(json!({ "assume_role": role(ROLE, name, &value) }), sent);
        rows.push(row);
    }
    rows.extend(web_identity());
    rows
}

const WEB: &str = "assume_role_with_web_identity";

fn web_identity() -> Vec<Row> {
    let shown = |field| shown::session("AssumeRoleWithWebIdentity", field);
    let row = |name: &str, field| Row::new(&format!("{WEB}.{name}"), shown(field)).without_keys();
    let own = |block: Json| json!({ WEB: [block] });
    let with_token = |name: &str, value: &Json| json!({ WEB: [{ "role_arn": ROLE, "web_identity_token": "t", name: value }] });
    let nothing_more = json!({ WEB: [{ "role_arn": ROLE, "web_identity_token": "t" }] });
    let pod = [
        ("AWS_ROLE_ARN", ROLE),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "{home}/two"),
    ];
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIDVARIABLE"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
    ];
    let mut rows = vec![
        row("role_arn", "RoleArn")
            .left_out("no session")
            .block(nothing_more.clone(), ROLE)
            .environment(&[("AWS_ROLE_ARN", ROLE_THERE)], "no session")
            .both(nothing_more.clone(), &[("AWS_ROLE_ARN", ROLE_THERE)], ROLE)
            .beside(
                own(json!({ "web_identity_token": "t" })),
                &[("AWS_ROLE_ARN", ROLE_THERE)],
                ROLE_THERE,
            ),
        row("session_name", "RoleSessionName")
            .with_file("two", "of-two\n")
            .left_out("no session")
            .beside(nothing_more.clone(), &[], "the run's own")
            .block(with_token("session_name", &json!("mine")), "mine")
            .environment(&[pod[0], pod[1], ("AWS_ROLE_SESSION_NAME", "pod")], "pod")
            .beside(
                nothing_more.clone(),
                &[("AWS_ROLE_SESSION_NAME", "pod")],
                "pod",
            )
            .both(
                with_token("session_name", &json!("mine")),
                &[("AWS_ROLE_SESSION_NAME", "pod")],
                "mine",
            ),
        row("web_identity_token", "WebIdentityToken")
            .with_file("two", "of-two\n")
            .left_out("no session")
            .block(nothing_more.clone(), "t")
            // What is written wins over a file of the environment.
            .beside(nothing_more, &pod, "t"),
        row("web_identity_token_file", "WebIdentityToken")
            .with_file("one", "of-one\n")
            .with_file("two", "of-two\n")
            .with_file(
                ".aws/credentials",
                "[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = s\n",
            )
            .left_out("no session")
            .block(
                own(json!({ "role_arn": ROLE, "web_identity_token_file": "~/one" })),
                "of-one",
            )
            // Without any block, as in a pod: before the usual profile, after keys and a profile that is written.
            .environment(&pod, "of-two")
            .environment(&[pod[0], pod[1], keys[0], keys[1]], "no session")
            .beside(json!({ "profile": "default" }), &pod, "no session")
            .beside(
                json!({}),
                &[pod[0], pod[1], ("AWS_PROFILE", "default")],
                "of-two",
            )
            .beside(own(json!({ "role_arn": ROLE })), &pod[1..], "of-two")
            .both(
                own(json!({ "role_arn": ROLE, "web_identity_token_file": "~/one" })),
                &pod,
                "of-one",
            ),
    ];
    for (name, value, field, sent) in role_attributes() {
        if ["duration", "policy", "policy_arns"].contains(&name) {
            let row = row(name, field)
                .left_out("no session")
                .beside(with_token("session_name", &json!("mine")), &[], "not sent")
                .block(with_token(name, &value), sent);
            rows.push(row);
        }
    }
    rows
}

pub(super) fn rows_of_account() -> Vec<Row> {
    // The source is in the account that the block leads to.
    let there = json!({ "source": { "bucket": "acme-archive", "account_id": OTHER } });
    let account = |block: Json| {
        let mut block = block;
        block["account_id"] = json!(OTHER);
        json!({ "account": [block] })
    };
    let row = |name: &str, shows: Shows| {
        Row::new(&format!("account.{name}"), shows).planning(there.clone())
    };
    let backup = "[backup]\naws_access_key_id = AKIDBACKUP\naws_secret_access_key = s\n";
    let of_role = |id: &str| json!({ "account": [{ "account_id": id, "assume_role": [{ "role_arn": ROLE_THERE }] }] });
    let mut rows = vec![
        row("account_id", Box::new(shown::chain))
            .block(of_role(OTHER), "AKIDVARIABLE for Deploy")
            .block(of_role("333333333333"), ""),
        row("profile", Box::new(shown::s3_key))
            .with_file(".aws/credentials", backup)
            .planning(json!({
                "source": { "bucket": "acme-archive", "account_id": "111111111111" },
                "destinations": { "backup": { "region": "us-west-2", "account_id": "111111111111" } },
            }))
            .left_out("AKIDVARIABLE")
            .block(json!({ "account": [{ "account_id": "111111111111", "profile": "backup" }] }), "AKIDBACKUP"),
        row("abandoned", Box::new(shown::outcome))
            .with_block(of_role(OTHER))
            .left_out("nothing to tell")
            .block(account(json!({ "abandoned": true })), "Account 222222222222 is abandoned"),
        row("assume_role.role_arn", Box::new(shown::chain))
            .left_out("")
            .block(account(json!({ "assume_role": [{ "role_arn": ROLE_THERE }] })), "AKIDVARIABLE for Deploy")
            .block(
                account(json!({ "assume_role": [{ "role_arn": ROLE }, { "role_arn": ROLE_THERE.replace("Deploy", "Last") }] })),
                "AKIDVARIABLE for Deploy, AKIDDeploy for Last",
            ),
    ];
    for (name, value, field, sent) in role_attributes() {
        let row = row(
            &format!("assume_role.{name}"),
            Box::new(shown::session("AssumeRole", field)),
        )
        .with_block(of_role(OTHER))
        .left_out(unwritten(name))
        .block(
            account(json!({ "assume_role": role(ROLE_THERE, name, &value) })),
            sent,
        );
        rows.push(row);
    }
    let web = |block: Json| account(json!({ WEB: [block] }));
    let with_token = |name: &str, value: &Json| {
        web(json!({ "role_arn": ROLE_THERE, "web_identity_token": "t", name: value }))
    };
    let nothing_more = web(json!({ "role_arn": ROLE_THERE, "web_identity_token": "t" }));
    let of_web = |name: &str, field| {
        let shows = shown::session("AssumeRoleWithWebIdentity", field);
        row(&format!("{WEB}.{name}"), Box::new(shows))
            .with_file("one", "of-one\n")
            .with_file("two", "of-two\n")
    };
    // A pod's own role and session name are the provider's; its token may lead to other accounts, too.
    rows.extend([
        of_web("role_arn", "RoleArn")
            .block(nothing_more.clone(), ROLE_THERE)
            .environment(&[("AWS_ROLE_ARN", ROLE)], "no session")
            .both(nothing_more.clone(), &[("AWS_ROLE_ARN", ROLE)], ROLE_THERE),
        of_web("session_name", "RoleSessionName")
            .block(with_token("session_name", &json!("mine")), "mine")
            .environment(&[("AWS_ROLE_SESSION_NAME", "pod")], "no session")
            .beside(
                nothing_more.clone(),
                &[("AWS_ROLE_SESSION_NAME", "pod")],
                "the run's own",
            )
            .both(
                with_token("session_name", &json!("mine")),
                &[("AWS_ROLE_SESSION_NAME", "pod")],
                "mine",
            ),
        of_web("web_identity_token", "WebIdentityToken")
            .left_out("no session")
            .block(nothing_more, "t"),
        of_web("web_identity_token_file", "WebIdentityToken")
            .block(
                web(json!({ "role_arn": ROLE_THERE, "web_identity_token_file": "~/one" })),
                "of-one",
            )
            .environment(
                &[("AWS_WEB_IDENTITY_TOKEN_FILE", "{home}/two")],
                "no session",
            )
            .beside(
                web(json!({ "role_arn": ROLE_THERE })),
                &[("AWS_WEB_IDENTITY_TOKEN_FILE", "{home}/two")],
                "of-two",
            )
            .both(
                web(json!({ "role_arn": ROLE_THERE, "web_identity_token_file": "~/one" })),
                &[("AWS_WEB_IDENTITY_TOKEN_FILE", "{home}/two")],
                "of-one",
            ),
    ]);
    for (name, value, field, sent) in role_attributes() {
        if ["duration", "policy", "policy_arns"].contains(&name) {
            let row = of_web(name, field)
                .beside(with_token("session_name", &json!("mine")), &[], "not sent")
                .block(with_token(name, &value), sent);
            rows.push(row);
        }
    }
    rows
}
