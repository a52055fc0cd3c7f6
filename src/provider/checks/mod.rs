//! Checks of single values, each with the way out in its message.
//!
//! They run in `validate`, before anything else and without credentials; unknown values never get here.

mod rules;

use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::ToValue;
use crate::framework::schema::Validator;
use crate::framework::validators::{self, Check};
use crate::framework::value::{AttributePath, Value};
use crate::provider::duration::parse_duration;
use crate::replication::ids::{AccountId, Arn, BucketName};

pub(crate) use self::rules::{is_key, prefix, rule_names};
pub(crate) use super::regions::region;
pub(crate) use crate::framework::validators::{each, each_if_any, one_of};

/// A check of a text whose message is a sentence of its own. It does not repeat the text, which may be sensitive;
/// where it is not, Terraform shows the line in which it stands.
pub(crate) fn text(
    check: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static,
) -> impl Validator {
    validators::text(move |text| {
        let unnamed = |why: String| why.replace(&format!("\"{text}\""), "it");
        check(text).map_err(|why| refused(unnamed(why)))
    })
}

/// A check of a collection whose message is a sentence of its own.
pub(crate) fn collection(check: fn(&Value) -> Result<(), String>) -> impl Validator {
    Check::new(move |value: &Value| check(value).map_err(refused))
}

fn refused(why: String) -> String {
    format!("is refused: {why}")
}

/// Keys of objects, of which there may be none.
pub(crate) fn object_keys(value: &Value) -> Result<(), String> {
    let Value::List(keys) = value else {
        return Ok(());
    };
    let wrong = keys.iter().any(|key| match key {
        Value::Null => true,
        key => key
            .as_str()
            .is_some_and(|key| key.is_empty() || key.len() > 1024),
    });
    if wrong {
        return Err("each key is a text of 1 to 1,024 bytes.".to_owned());
    }
    Ok(())
}

/// A name that S3 accepts for a general purpose bucket.
pub(crate) fn bucket_name() -> impl Validator {
    text(|text| {
        BucketName::parse(text)
            .map(drop)
            .map_err(|e| format!("{e}."))
    })
}

/// The beginning of a name that S3 accepts for a general purpose bucket.
pub(crate) fn bucket_prefix() -> impl Validator {
    text(|text| BucketName::check_prefix(text).map_err(|e| format!("{e}.")))
}

/// Twelve digits.
pub(crate) fn account_id() -> impl Validator {
    text(|text| {
        AccountId::parse(text)
            .map(drop)
            .map_err(|e| format!("{e}."))
    })
}

/// The ARN of a KMS key, not of an alias.
pub(crate) fn key_arn() -> impl Validator {
    text(|text| Arn::parse_key(text).map(drop).map_err(|e| format!("{e}.")))
}

/// The ARN of an IAM role.
pub(crate) fn role_arn() -> impl Validator {
    text(|text| Arn::parse_role(text).map(drop).map_err(|e| format!("{e}.")))
}

/// The ARN of an IAM policy.
pub(crate) fn policy_arn() -> impl Validator {
    text(|text| match Arn::parse(text) {
        Ok(arn) if arn.service == "iam" && arn.resource.starts_with("policy/") => Ok(()),
        Ok(_) => Err(format!(
            "\"{text}\" is not the ARN of an IAM policy, which looks like arn:aws:iam::111111111111:policy/Boundary."
        )),
        Err(e) => Err(format!("{e}.")),
    })
}

/// A KMS alias that is not AWS's own.
pub(crate) fn alias() -> impl Validator {
    text(|text| {
        let name = text.strip_prefix("alias/").unwrap_or_default();
        let legal = !name.is_empty()
            && text.len() <= 256
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "/_-".contains(c));
        if name.starts_with("aws/") {
            Err(format!(
                "\"{text}\": aliases that begin with alias/aws/ are AWS's own."
            ))
        } else if legal {
            Ok(())
        } else {
            Err(format!(
                "\"{text}\" is not an alias: it begins with alias/, and then has letters, digits, /, _ and - (256 characters at most)."
            ))
        }
    })
}

/// An IAM role name, or the beginning of one, of at most so many characters.
pub(crate) fn role_name(most: usize) -> impl Validator {
    text(move |text| {
        let legal = (1..=most).contains(&text.len())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c));
        if legal {
            Ok(())
        } else {
            Err(format!(
                "\"{text}\" is not possible here: 1 to {most} letters, digits and + = , . @ _ - are."
            ))
        }
    })
}

/// An IAM path.
pub(crate) fn role_path() -> impl Validator {
    text(|text| {
        let legal = text.starts_with('/')
            && text.ends_with('/')
            && text.len() <= 512
            && text.chars().all(|c| c.is_ascii_graphic());
        if legal {
            Ok(())
        } else {
            Err(format!(
                "\"{text}\" is not an IAM path, which begins and ends with a slash, like /service-role/."
            ))
        }
    })
}

/// A session name as STS accepts it.
pub(crate) fn session_name() -> impl Validator {
    text(|text| {
        let legal = (2..=64).contains(&text.len())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_=,.@-".contains(c));
        if legal {
            Ok(())
        } else {
            Err(format!(
                "\"{text}\" is not a session name: 2 to 64 letters, digits and _ = , . @ - are possible."
            ))
        }
    })
}

/// 15 minutes to 12 hours in Go's spelling.
pub(crate) fn session_duration() -> impl Validator {
    text(|text| {
        let seconds = parse_duration(text)?.as_secs();
        if (900..=43_200).contains(&seconds) {
            Ok(())
        } else {
            Err(format!(
                "\"{text}\" is out of range: a session lasts 15m to 12h."
            ))
        }
    })
}

/// A time in Go's spelling that is not over at once.
pub(crate) fn duration() -> impl Validator {
    text(|text| {
        if parse_duration(text)?.is_zero() {
            Err(format!("\"{text}\" is no time at all."))
        } else {
            Ok(())
        }
    })
}

/// A whole number between two bounds.
pub(crate) fn whole_number(least: i64, most: i64) -> impl Validator {
    validators::between(least, most)
}

/// Tags that AWS accepts and that are not ours.
pub(crate) fn tags() -> impl Validator {
    collection(|value| {
        let Value::Map(tags) = value else {
            return Ok(());
        };
        if tags.len() > 45 {
            return Err(format!(
                "{} tags are too many: AWS takes 50 on one thing, and this resource needs some of its own.",
                tags.len()
            ));
        }
        for (key, value) in tags {
            if key.starts_with("replicated:") || key.to_lowercase().starts_with("aws:") {
                return Err(format!(
                    "the tag key \"{key}\" is reserved: aws: belongs to AWS, replicated: to this provider."
                ));
            }
            possible_tag(key, value)?;
        }
        Ok(())
    })
}

/// Keys of tags that are left to somebody else: not those by which this provider knows its own.
pub(crate) fn foreign_tag_keys() -> impl Validator {
    collection(|value| foreign_tags(value, |key| key.starts_with(OWN_TAGS)))
}

/// What keys of tags begin with that are left to somebody else.
pub(crate) fn foreign_tag_prefixes() -> impl Validator {
    collection(|value| {
        foreign_tags(value, |prefix| {
            prefix.starts_with(OWN_TAGS) || OWN_TAGS.starts_with(prefix)
        })
    })
}

/// What the keys of this provider's own tags begin with.
const OWN_TAGS: &str = "replicated:";

fn foreign_tags(value: &Value, is_ours: impl Fn(&str) -> bool) -> Result<(), String> {
    let Value::Set(keys) = value else {
        return Ok(());
    };
    match keys
        .iter()
        .filter_map(Value::as_str)
        .find(|key| key.is_empty() || is_ours(key))
    {
        Some("") => Err("an empty text is no tag's key.".to_owned()),
        Some(key) => Err(format!(
            "\"{key}\" covers tags that begin with {OWN_TAGS}, by which this provider knows what is its own."
        )),
        None => Ok(()),
    }
}

/// Tags that an object can carry.
pub(crate) fn object_tags() -> impl Validator {
    collection(|value| {
        let Value::Map(tags) = value else {
            return Ok(());
        };
        if tags.len() > 10 {
            return Err(format!(
                "{} tags are too many: an object has at most 10.",
                tags.len()
            ));
        }
        tags.iter()
            .try_for_each(|(key, value)| possible_tag(key, value))
    })
}

/// A tag that AWS accepts.
fn possible_tag(key: &str, value: &Value) -> Result<(), String> {
    if key.is_empty() || key.chars().count() > 128 {
        return Err(format!(
            "the tag key \"{key}\" is not possible: 1 to 128 characters are."
        ));
    }
    match value {
        Value::Null => Err(format!(
            "the tag \"{key}\" is null; write a text, or leave it out."
        )),
        Value::String(text) if text.chars().count() > 256 => Err(format!(
            "the value of tag \"{key}\" has more than 256 characters."
        )),
        _ => Ok(()),
    }
}

/// Keys of `destinations`: they go into rule IDs and tags.
pub(crate) fn destination_keys() -> impl Validator {
    collection(|value| {
        let Value::Map(destinations) = value else {
            return Ok(());
        };
        if destinations.is_empty() {
            return Err("at least one destination is needed. Write where the bucket is to replicate to, such as `destinations = { backup = { region = \"us-west-2\" } }`. A bucket that replicates nowhere yet is imported without any; what its destinations need is then made by the apply.".to_owned());
        }
        for (key, destination) in destinations {
            if !is_key(key) {
                return Err(format!(
                    "the key \"{key}\" is not possible: 1 to 64 letters, digits, dots, hyphens and underscores are, because the key goes into rule IDs and tags."
                ));
            }
            if *destination == Value::Null {
                return Err(format!(
                    "the destination \"{key}\" is null; leave it out, or write its attributes."
                ));
            }
        }
        Ok(())
    })
}

/// An object that is written and ends up with no value in it is most likely a mistyped key: Terraform drops a key
/// that the schema does not know without a word.
pub(crate) fn not_empty<T: ToValue>(
    path: &AttributePath,
    object: &T,
    diagnostics: &mut Diagnostics,
) {
    if let Value::Object(attributes) = object.to_known()
        && attributes.values().all(|value| *value == Value::Null)
    {
        diagnostics.error_at(
            path.clone(),
            "Nothing is written in here",
            format!("`{path}` has no attribute that this provider knows. Terraform drops unknown names inside it silently, so look for a mistyped one, or leave it out."),
        );
    }
}
