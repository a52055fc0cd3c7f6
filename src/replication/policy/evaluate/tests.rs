use super::*;
use crate::replication::component::{ComponentId, Part, Side};

const ROLE: &str = "arn:aws:iam::111111111111:role/replication";

fn request(context: &[(&str, &[&str])]) -> Request {
    Request {
        principal: ROLE.into(),
        bounded: false,
        action: "s3:ReplicateObject".into(),
        resource: "arn:aws:s3:::a/key".into(),
        context: context
            .iter()
            .map(|(key, values)| {
                let values = values.iter().map(ToString::to_string).collect();
                (key.to_string(), values)
            })
            .collect(),
    }
}

/// Judges the request by one statement with these further members.
fn decide(effect: &str, members: &str, request: &Request) -> Decision {
    let text =
        format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}",{members}}}}}"#);
    evaluate(&[&PolicyDocument::parse(&text).unwrap()], request)
}

fn allows(members: &str, request: &Request) -> bool {
    decide("Allow", members, request) == Decision::Allowed
}

fn when(condition: &str) -> String {
    format!(r#""Action":"*","Resource":"*","Condition":{{{condition}}}"#)
}

#[test]
fn a_deny_wins_over_every_allow() {
    let everything = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:Replicate*",
        "Resource":"*"},{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let document = PolicyDocument::parse(everything).unwrap();
    let mut request = request(&[]);
    assert_eq!(evaluate(&[&document], &request), Decision::ExplicitDeny);
    request.action = "s3:GetObject".into();
    assert_eq!(evaluate(&[&document], &request), Decision::Allowed);
    assert_eq!(evaluate(&[], &request), Decision::ImplicitDeny);
}

#[test]
fn principals_match_by_arn_by_account_and_by_everyone() {
    let cases = [
        (r#""Principal":"*""#, true),
        (r#""Principal":{"AWS":"*"}"#, true),
        (
            r#""Principal":{"AWS":["x","arn:aws:iam::111111111111:role/replication"]}"#,
            true,
        ),
        (r#""Principal":{"AWS":"111111111111"}"#, true),
        (
            r#""Principal":{"AWS":"arn:aws:iam::111111111111:root"}"#,
            true,
        ),
        (
            r#""Principal":{"AWS":"arn:aws:iam::222222222222:root"}"#,
            false,
        ),
        (
            r#""Principal":{"AWS":"arn:aws:iam::111111111111:role/*"}"#,
            false,
        ),
        (r#""Principal":{"AWS":"AROAEXAMPLE"}"#, false),
        (r#""Principal":{"Service":"*"}"#, false),
        (r#""NotPrincipal":{"AWS":"222222222222"}"#, true),
        (r#""NotPrincipal":{"AWS":"111111111111"}"#, false),
        (r#""NotPrincipal":"*""#, false),
    ];
    for (principal, expected) in cases {
        let members = format!(r#"{principal},"Action":"*","Resource":"*""#);
        assert_eq!(allows(&members, &request(&[])), expected, "{principal}");
    }
}

#[test]
fn actions_match_by_wildcard_and_without_case() {
    let cases = [
        (r#""Action":"S3:replicate*""#, true),
        (r#""Action":"s3:ReplicateObjec?""#, true),
        (r#""Action":"s3:ReplicateObject?""#, false),
        (r#""Action":"*Object""#, true),
        (r#""Action":"s3:*T*s""#, false),
        (r#""Action":[]"#, false),
        (r#""NotAction":"s3:Get*""#, true),
        (r#""NotAction":"s3:Replicate*""#, false),
        (r#""Sid":"NoActionAtAll""#, false),
    ];
    for (action, expected) in cases {
        let members = format!(r#"{action},"Resource":"*""#);
        assert_eq!(allows(&members, &request(&[])), expected, "{action}");
    }
}

#[test]
fn resources_match_field_by_field() {
    let cases = [
        (r#""Resource":"*""#, true),
        (r#""Resource":"arn:aws:s3:::a/*""#, true),
        (r#""Resource":"arn:*:s3:::?/k*y""#, true),
        (r#""Resource":"arn:aws:s3:::a""#, false),
        (r#""Resource":"arn:aws:s3:::A/*""#, false),
        (r#""Resource":"arn:*:a/key""#, false),
        (r#""NotResource":"arn:aws:s3:::b/*""#, true),
        (r#""NotResource":"arn:aws:s3:::a/*""#, false),
        (r#""Sid":"NoResourceAtAll""#, false),
    ];
    for (resource, expected) in cases {
        let members = format!(r#"{resource},"Action":"*""#);
        assert_eq!(allows(&members, &request(&[])), expected, "{resource}");
    }
}

#[test]
fn operators_hold_as_aws_documents_them() {
    let absent: &[&str] = &[];
    let cases: [(&str, &[&str], bool); 51] = [
        (r#""StringEquals":{"k":["x","y"]}"#, &["y"], true),
        (r#""StringEquals":{"k":"x"}"#, &["X"], false),
        (r#""StringEquals":{"k":"*"}"#, &["x"], false),
        (r#""StringEquals":{"k":"x"}"#, absent, false),
        (r#""StringEqualsIfExists":{"k":"x"}"#, absent, true),
        (r#""StringEqualsIfExists":{"k":"x"}"#, &["y"], false),
        (r#""StringEqualsIgnoreCase":{"k":"x"}"#, &["X"], true),
        (r#""StringNotEqualsIgnoreCase":{"k":"x"}"#, &["X"], false),
        (r#""StringNotEquals":{"k":["x","y"]}"#, &["z"], true),
        (r#""StringNotEquals":{"k":["x","y"]}"#, &["y"], false),
        (r#""StringNotEquals":{"k":"x"}"#, absent, true),
        (r#""StringLike":{"k":"a*c"}"#, &["abbc"], true),
        (r#""StringLike":{"K":"a*c"}"#, &["abb"], false),
        (r#""StringNotLike":{"k":"a*"}"#, &["b"], true),
        (r#""StringNotLike":{"k":"a*"}"#, &["ab"], false),
        (r#""ArnLike":{"k":"arn:aws:iam::*:role/*"}"#, &[ROLE], true),
        (
            r#""ArnEquals":{"k":"arn:aws:iam:*:role/*"}"#,
            &[ROLE],
            false,
        ),
        (
            r#""ArnNotLike":{"k":"arn:aws:iam::*:role/*"}"#,
            &[ROLE],
            false,
        ),
        (
            r#""ArnNotEquals":{"k":"arn:aws:iam::*:user/*"}"#,
            &[ROLE],
            true,
        ),
        (r#""Bool":{"k":false}"#, &["false"], true),
        (r#""Bool":{"k":"False"}"#, &["false"], true),
        (r#""Bool":{"k":"true"}"#, &["false"], false),
        (r#""BoolIfExists":{"k":"true"}"#, absent, true),
        (r#""NumericEquals":{"k":"10"}"#, &["10.0"], true),
        (r#""NumericEquals":{"k":10}"#, &["9"], false),
        (r#""NumericEquals":{"k":"10"}"#, &["ten"], false),
        (r#""NumericNotEquals":{"k":["10","11"]}"#, &["12"], true),
        (r#""NumericNotEquals":{"k":["10","11"]}"#, &["11"], false),
        (r#""NumericNotEquals":{"k":"10"}"#, absent, true),
        (r#""NumericLessThan":{"k":"1.2"}"#, &["1.1"], true),
        (r#""NumericLessThan":{"k":"1.2"}"#, &["1.2"], false),
        (r#""NumericLessThanEquals":{"k":"1.2"}"#, &["1.2"], true),
        (r#""NumericLessThanEquals":{"k":"9"}"#, &["10"], false),
        (r#""NumericLessThanEquals":{"k":"9"}"#, absent, false),
        (r#""NumericGreaterThan":{"k":"9"}"#, &["10"], true),
        (r#""NumericGreaterThan":{"k":"9"}"#, &["9"], false),
        (r#""NumericGreaterThanEquals":{"k":"9"}"#, &["9"], true),
        (r#""NumericGreaterThanEquals":{"k":"9"}"#, &["8.9"], false),
        (r#""NumericGreaterThanEquals":{"k":"9"}"#, &["ten"], false),
        (r#""NumericGreaterThanEquals":{"k":"9"}"#, absent, false),
        (
            r#""NumericGreaterThanEqualsIfExists":{"k":"9"}"#,
            absent,
            true,
        ),
        (r#""Null":{"k":"true"}"#, absent, true),
        (r#""Null":{"k":true}"#, &["x"], false),
        (r#""Null":{"k":"false"}"#, &["x"], true),
        (r#""ForAnyValue:StringEquals":{"k":"x"}"#, &["y", "x"], true),
        (r#""ForAnyValue:StringEquals":{"k":"x"}"#, absent, false),
        (
            r#""ForAnyValue:StringNotEquals":{"k":"x"}"#,
            &["y", "x"],
            true,
        ),
        (
            r#""ForAllValues:StringEquals":{"k":"x"}"#,
            &["y", "x"],
            false,
        ),
        (
            r#""ForAllValues:StringLike":{"k":["x","y*"]}"#,
            &["yy", "x"],
            true,
        ),
        (r#""ForAllValues:StringEquals":{"k":"x"}"#, absent, true),
        (
            r#""StringLike":{"k":"x"},"Bool":{"k":"x"},"StringEquals":{"k":"y"}"#,
            &["x"],
            false,
        ),
    ];
    for (condition, values, expected) in cases {
        let decision = allows(&when(condition), &request(&[("k", values)]));
        assert_eq!(decision, expected, "{condition} with {values:?}");
    }
}

#[test]
fn what_cannot_be_judged_never_allows_and_always_denies() {
    let unknown = [
        when(r#""DateLessThan":{"k":"5"}"#),
        when(r#""IpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#),
        when(r#""ForSomeValues:StringLike":{"k":"1"}"#),
        when(r#""StringLike":{"k":"${aws:username}"}"#),
        r#""Action":"*","Resource":"arn:aws:s3:::a/${aws:username}""#.to_owned(),
        r#""Action":"*","NotResource":"arn:aws:s3:::a/${aws:username}""#.to_owned(),
    ];
    for members in unknown {
        let request = request(&[("k", &["1"])]);
        assert_eq!(
            decide("Allow", &members, &request),
            Decision::ImplicitDeny,
            "{members}"
        );
        assert_eq!(
            decide("Deny", &members, &request),
            Decision::ExplicitDeny,
            "{members}"
        );
    }
}

#[test]
fn what_fails_for_sure_outweighs_what_cannot_be_judged() {
    let condition = when(r#""NumericLessThan":{"k":"5"},"StringEquals":{"k":"other"}"#);
    let decision = decide("Deny", &condition, &request(&[("k", &["1"])]));
    assert_eq!(decision, Decision::ImplicitDeny);
}

#[test]
fn documents_of_the_oldest_version_have_no_variables() {
    let text = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${x}/*"}}"#;
    let mut request = request(&[]);
    request.resource = "arn:aws:s3:::${x}/key".into();
    let document = PolicyDocument::parse(text).unwrap();
    assert_eq!(evaluate(&[&document], &request), Decision::Allowed);
}

#[test]
fn a_key_still_to_be_made_allows_nothing() {
    let key = ComponentId::Of(Side::Source, Part::Key);
    let statement = Statement::allow("Any").actions(&["*"]);
    let mut document = PolicyDocument::new(vec![statement.on([Input::OutputOf(key)])]);
    assert_eq!(
        evaluate(&[&document], &request(&[])),
        Decision::ImplicitDeny
    );
    document.statements[0] = document.statements[0].clone().resource("*");
    assert_eq!(evaluate(&[&document], &request(&[])), Decision::Allowed);
}

fn denied(members: &str, request: &Request) -> Option<bool> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny",{members}}}}}"#);
    let document = PolicyDocument::parse(&text).unwrap();
    denial(&document, request).map(|denial| denial.certain)
}

#[test]
fn a_denial_is_certain_only_where_all_that_it_asks_about_is_known() {
    let known = request(&[
        ("aws:PrincipalAccount", &["111111111111"]),
        ("aws:SourceVpce", &[]),
    ]);
    let everyone = r#""Principal":"*","Action":"s3:*","Resource":"*""#;
    let cases = [
        ("", Some(true)),
        (
            r#","Condition":{"StringEquals":{"aws:PrincipalAccount":"222222222222"}}"#,
            None,
        ),
        (
            r#","Condition":{"StringNotEquals":{"aws:principalaccount":"222222222222"}}"#,
            Some(true),
        ),
        (
            r#","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}"#,
            Some(true),
        ),
        (
            r#","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}}"#,
            Some(false),
        ),
        (
            r#","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
            Some(false),
        ),
    ];
    for (condition, expected) in cases {
        let members = format!("{everyone}{condition}");
        assert_eq!(denied(&members, &known), expected, "{condition}");
    }
}

#[test]
fn a_session_is_its_role_whatever_the_roles_path() {
    let session = Request {
        principal: "arn:aws:sts::111111111111:assumed-role/Deploy/terraform".into(),
        ..request(&[])
    };
    let cases = [
        ("arn:aws:iam::111111111111:role/Deploy", Some(true)),
        ("arn:aws:iam::111111111111:role/team/Deploy", Some(true)),
        ("arn:aws:iam::111111111111:role/Deploy2", None),
        ("arn:aws:iam::222222222222:role/Deploy", None),
        ("arn:aws:iam::111111111111:user/Deploy", None),
    ];
    for (principal, expected) in cases {
        let members = format!(r#""Principal":{{"AWS":"{principal}"}},"Action":"*","Resource":"*""#);
        assert_eq!(denied(&members, &session), expected, "{principal}");
    }
}

#[test]
fn who_is_not_wholly_listed_is_not_certainly_left_out_of_a_denial() {
    let session = "arn:aws:sts::111111111111:assumed-role/replication/s3-replication";
    let of_role = request(&[]);
    let of_session = Request {
        principal: session.into(),
        ..request(&[])
    };
    let user = "arn:aws:iam::111111111111:user/ann";
    let of_user = Request {
        principal: user.into(),
        ..request(&[])
    };
    let of_service = Request {
        principal: "s3.amazonaws.com".into(),
        ..request(&[])
    };
    let account = "arn:aws:iam::111111111111:root";
    let another = "arn:aws:sts::111111111111:assumed-role/replication/other";
    let other = "arn:aws:iam::111111111111:role/other";
    let cases: [(&Request, &[&str], Option<bool>); 15] = [
        (&of_role, &[ROLE, session, account], None),
        (&of_role, &[ROLE, session, "111111111111"], None),
        (&of_role, &["*"], None),
        (&of_role, &[ROLE], Some(false)),
        (&of_role, &[ROLE, account], Some(false)),
        (&of_role, &[account], Some(false)),
        (&of_role, &[session, account], Some(false)),
        (&of_role, &[other, "222222222222"], Some(true)),
        (&of_role, &[], Some(true)),
        (&of_session, &[ROLE, session, account], None),
        (&of_session, &[ROLE, another, account], Some(false)),
        (&of_user, &[user, account], None),
        (&of_user, &[user], Some(false)),
        (&of_user, &[ROLE], Some(true)),
        (&of_service, &[ROLE, account], Some(true)),
    ];
    for (request, listed, expected) in cases {
        let members = format!(
            r#""NotPrincipal":{{"AWS":{}}},"Action":"*","Resource":"*""#,
            serde_json::json!(listed)
        );
        let who = &request.principal;
        assert_eq!(denied(&members, request), expected, "{who} of {listed:?}");
        // No exemption of this kind holds for what a boundary bounds.
        let bounded = Request {
            bounded: true,
            ..request.clone()
        };
        assert_eq!(
            denied(&members, &bounded),
            Some(true),
            "{who} of {listed:?}"
        );
    }
}

#[test]
fn every_statement_that_denies_is_told() {
    let text = r#"{"Version":"2012-10-17","Statement":[
        {"Sid":"May","Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpc":"vpc-1"}}},
        {"Sid":"No","Effect":"Deny","Principal":"*","Action":"s3:Get*","Resource":"*"},
        {"Sid":"First","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"},
        {"Sid":"Second","Effect":"Deny","Principal":"*","Action":"s3:Rep*","Resource":"*"}]}"#;
    let document = PolicyDocument::parse(text).unwrap();
    let verdict = verdict(&document, &request(&[]));
    let told = verdict.denials.iter();
    let told: Vec<_> = told
        .map(|d| (d.statement.name().unwrap(), d.certain))
        .collect();
    assert_eq!(told, [("First", true), ("Second", true), ("May", false)]);
}

#[test]
fn a_deny_of_some_of_what_a_request_stands_for_may_hit_it() {
    let request = Request {
        resource: format!("arn:aws:s3:::a/in/{ANY_OBJECT}"),
        ..request(&[])
    };
    for (pattern, expected) in [
        ("arn:aws:s3:::a/*", Some(true)),
        ("arn:aws:s3:::a/in/*", Some(true)),
        ("*", Some(true)),
        ("arn:aws:s3:::a/in/legal/*", Some(false)),
        ("arn:aws:s3:::a/in/key", Some(false)),
        ("arn:aws:s3:::a/*.tmp", Some(false)),
        ("arn:aws:s3:::?/in/x*", Some(false)),
        ("arn:*:s3:::a/out/*", None),
        ("arn:aws:s3:::a/i", None),
        ("arn:aws:s3:::b/*", None),
        ("arn:aws:sqs:::a/*", None),
    ] {
        let statement = |effect: &str| {
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Principal":"*","Action":"*","Resource":"{pattern}"}}}}"#
            );
            PolicyDocument::parse(&text).unwrap()
        };
        let denied = denial(&statement("Deny"), &request).map(|denial| denial.certain);
        assert_eq!(denied, expected, "{pattern}");
        let allowed = Truth::from(expected == Some(true));
        assert_eq!(
            verdict(&statement("Allow"), &request).direct,
            allowed,
            "{pattern}"
        );
    }
}
