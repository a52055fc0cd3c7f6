//! Each parser by itself: it refuses, or what it understood can be written and means the same when it is read again.

use serde_json::Value as Json;
use terraform_provider_replicated::framework::value::{Number, Type, Value};
use terraform_provider_replicated::replication::ids::{AccountId, Arn, BucketName, Region};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use super::damage;
use crate::configs::kms_abroad;
use crate::terraform::Terraform;
use support::dice::Dice;

pub fn values_in_messagepack() -> impl FnMut(&mut Dice) {
    |dice| {
        let ty = damage::any_type(dice, 4);
        let valid = damage::any(dice, &ty, 6).to_msgpack(&ty).unwrap();
        read_messagepack(&damage::bytes(dice, &valid), &ty);
    }
}

pub fn the_resource_in_messagepack() -> impl FnMut(&mut Dice) {
    let terraform = Terraform::new();
    let (ty, valid) = (terraform.ty(), terraform.config(&kms_abroad()));
    move |dice| {
        let value = damage::value(dice, &valid, &ty);
        let bytes = value.to_msgpack(&ty).unwrap();
        assert!(
            Value::from_msgpack(&bytes, &ty).unwrap().same(&value),
            "{value:?}"
        );
        read_messagepack(&damage::bytes(dice, &bytes), &ty);
    }
}

fn read_messagepack(bytes: &[u8], ty: &Type) {
    let Ok(read) = Value::from_msgpack(bytes, ty) else {
        return;
    };
    read.conforms(ty).unwrap();
    let written = read.to_msgpack(ty).unwrap();
    let again = Value::from_msgpack(&written, ty).unwrap();
    assert!(again.same(&read), "{again:?} is not {read:?}");
}

pub fn values_in_json() -> impl FnMut(&mut Dice) {
    |dice| {
        let ty = damage::any_type(dice, 4);
        let valid = damage::any(dice, &ty, 6).with_unknown_as_null();
        let valid = valid.to_json(&ty).unwrap().to_string();
        let Ok(json) = serde_json::from_slice::<Json>(&damage::bytes(dice, valid.as_bytes()))
        else {
            return;
        };
        for read in [
            Value::from_json(&json, &ty),
            Value::from_stored_json(&json, &ty),
        ] {
            let Ok(read) = read else {
                continue;
            };
            read.conforms(&ty).unwrap();
            let written = read.to_json(&ty).unwrap().to_string();
            let again = Value::from_json(&serde_json::from_str(&written).unwrap(), &ty).unwrap();
            assert!(again.same(&read), "{again:?} is not {read:?}");
        }
    }
}

pub fn types_in_json() -> impl FnMut(&mut Dice) {
    |dice| {
        let valid = damage::any_type(dice, 5).to_json().to_string();
        let Ok(json) = serde_json::from_str::<Json>(&damage::text(dice, &valid)) else {
            return;
        };
        if let Ok(ty) = Type::from_json(&json) {
            assert_eq!(Type::from_json(&ty.to_json()), Ok(ty));
        }
    }
}

pub fn numbers() -> impl FnMut(&mut Dice) {
    |dice| {
        let valid = damage::number(dice).to_string();
        if let Ok(read) = damage::text(dice, &valid).parse::<Number>() {
            assert_eq!(read.to_string().parse::<Number>(), Ok(read));
        }
    }
}

pub fn names_and_arns() -> impl FnMut(&mut Dice) {
    const VALID: [&str; 9] = [
        "arn:aws:iam::111111111111:role/service-role/copier,x",
        "arn:aws-cn:kms:cn-north-1:222222222222:key/00000000-0000-4000-8000-000000000001",
        "arn:aws:kms:eu-west-1:222222222222:key/mrk-00000000000040008000000000000001",
        "arn:aws-us-gov:s3:::acme-archive",
        "111111111111",
        "eu-west-1",
        "us-gov-west-1",
        "acme-archive",
        "acme-111111111111-eu-west-1-an",
    ];
    |dice| {
        let valid = dice.one_of(&VALID);
        let text = &damage::text(dice, valid);
        let mut read = Vec::new();
        read.extend(Arn::parse(text).map(|arn| arn.to_string()));
        read.extend(Arn::parse_role(text).map(|arn| format!("{arn}{}", &arn.name()[..0])));
        read.extend(Arn::parse_key(text).map(|arn| arn.to_string()));
        read.extend(AccountId::parse(text).map(|id| id.to_string()));
        read.extend(Region::parse(text).map(|region| region.to_string()));
        read.extend(BucketName::parse(text).map(|name| name.to_string()));
        assert!(
            read.iter().all(|read| read == text),
            "{read:?} is not {text:?}"
        );
        if let Ok(region) = Region::parse(text) {
            let _ = region.partition().dns_suffix();
        }
        if let Ok(name) = BucketName::parse(text) {
            let _ = name.regional_namespace();
        }
        let _ = BucketName::check_prefix(text);
    }
}

pub fn policies() -> impl FnMut(&mut Dice) {
    const VALID: [&str; 3] = [
        r#"{"Version":"2012-10-17","Id":"Shared","Statement":[{"Sid":"One","Effect":"Deny","Principal":{"AWS":["1","2"],"Service":"x"},"NotAction":["s3:A","s3:B"],"Resource":"*","Condition":{"Bool":{"aws:SecureTransport":false},"NumericLessThan":{"s3:TlsVersion":1.2}}}]}"#,
        r#"{"Statement":{"Effect":"Allow","NotPrincipal":"*","Action":"s3:*","NotResource":["arn:aws:s3:::acme/*"],"Future":{"a":[1,null]}}}"#,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"},{"Sid":"Two","Effect":"Allow","Principal":"*","Action":["kms:Decrypt"],"Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":["o-1","o-2"]}}}]}"#,
    ];
    |dice| {
        let valid = dice.one_of(&VALID);
        let Ok(read) = PolicyDocument::parse(&damage::text(dice, valid)) else {
            return;
        };
        let written = read.render().unwrap();
        assert_eq!(
            PolicyDocument::parse(&written).as_ref(),
            Ok(&read),
            "{written}"
        );
        assert_eq!(PolicyDocument::parse(&read.pretty()).as_ref(), Ok(&read));
    }
}
