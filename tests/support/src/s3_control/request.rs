//! The request of `CreateJob`, member by member, as the service's model has it; and what the guide says beyond the model
//! of jobs that replicate.

use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};

const NAMESPACE: &str = "http://awss3control.amazonaws.com/doc/2018-08-20/";

/// An XML element: members, or a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    name: String,
    members: Vec<Element>,
    text: String,
}

impl Element {
    /// The member at the end of a path of names.
    pub(super) fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |element, name| {
            element.members.iter().find(|member| member.name == name)
        })
    }

    /// Its text; empty where there is no such member.
    pub(super) fn text(&self, path: &str) -> &str {
        self.at(path).map_or("", |element| &element.text)
    }
}

/// What a member holds.
enum Shape {
    /// A text of so many characters.
    Text(usize, usize),
    /// An ARN with these beginnings.
    Arn(&'static str),
    Bool,
    Number(i64, i64),
    OneOf(&'static [&'static str]),
    Moment,
    Account,
    /// `<member>`s, or elements of another name.
    List(&'static Shape),
    /// Members by name, with whether they are required.
    Members(&'static [(&'static str, bool, Shape)]),
    /// Known to the model, and refused by this server: nothing of ours sends it.
    Unused,
}

use Shape::{Account, Arn, Bool, List, Members, Moment, Number, OneOf, Text, Unused};

const REPORT: Shape = Members(&[
    ("Bucket", false, Arn(":s3:::")),
    ("Format", false, OneOf(&["Report_CSV_20180820"])),
    ("Enabled", true, Bool),
    ("Prefix", false, Text(1, 512)),
    (
        "ReportScope",
        false,
        OneOf(&["AllTasks", "FailedTasksOnly"]),
    ),
    ("ExpectedBucketOwner", false, Account),
]);

const FILTER: Shape = Members(&[
    ("EligibleForReplication", false, Bool),
    ("CreatedAfter", false, Moment),
    ("CreatedBefore", false, Moment),
    (
        "ObjectReplicationStatuses",
        false,
        List(&OneOf(&["COMPLETED", "FAILED", "REPLICA", "NONE"])),
    ),
    (
        "KeyNameConstraint",
        false,
        Members(&[
            ("MatchAnyPrefix", false, List(&Text(1, 1024))),
            ("MatchAnySuffix", false, Unused),
            ("MatchAnySubstring", false, Unused),
        ]),
    ),
    ("ObjectSizeGreaterThanBytes", false, Number(0, i64::MAX)),
    ("ObjectSizeLessThanBytes", false, Number(0, i64::MAX)),
    ("MatchAnyStorageClass", false, Unused),
    ("MatchAnyObjectEncryption", false, Unused),
]);

const GENERATOR: Shape = Members(&[(
    "S3JobManifestGenerator",
    true,
    Members(&[
        ("ExpectedBucketOwner", false, Account),
        ("SourceBucket", true, Arn(":s3:::")),
        ("ManifestOutputLocation", false, Unused),
        ("Filter", false, FILTER),
        ("EnableManifestOutput", true, Bool),
    ]),
)]);

const REQUEST: Shape = Members(&[
    ("ConfirmationRequired", false, Bool),
    (
        "Operation",
        true,
        Members(&[("S3ReplicateObject", true, Members(&[]))]),
    ),
    ("Report", true, REPORT),
    ("ClientRequestToken", true, Text(1, 64)),
    ("Manifest", false, Unused),
    ("Description", false, Text(1, 256)),
    ("Priority", true, Number(0, 2_147_483_647)),
    ("RoleArn", true, Arn(":iam::")),
    ("Tags", false, Unused),
    ("ManifestGenerator", true, GENERATOR),
]);

/// Reads a body, and says what is wrong with it.
pub(super) fn read(body: &str) -> Result<Element, String> {
    let mut document = Document::new(body);
    let mut root = document.root_element().map_err(|error| error.to_string())?;
    if root.start_el().attr("xmlns") != Some(NAMESPACE) {
        return Err(format!("the namespace is not {NAMESPACE}"));
    }
    let request = element(&mut root).map_err(|error| error.to_string())?;
    if request.name != "CreateJobRequest" {
        return Err(format!("{} is no request", request.name));
    }
    check("CreateJobRequest", &request, &REQUEST)?;
    if request.text("Report.Enabled") == "true" {
        for member in ["Bucket", "Format", "Prefix", "ReportScope"] {
            if request
                .at("Report")
                .and_then(|report| report.at(member))
                .is_none()
            {
                return Err(format!("an enabled report needs its {member}"));
            }
        }
    }
    let eligible = "ManifestGenerator.S3JobManifestGenerator.Filter.EligibleForReplication";
    if request.text(eligible) != "true" {
        return Err("only eligible objects can be replicated".to_owned());
    }
    Ok(request)
}

fn element(decoder: &mut ScopedDecoder<'_, '_>) -> Result<Element, XmlDecodeError> {
    let name = decoder.start_el().local().to_owned();
    // Leaves have a text and nothing else; what has members has no text beside them.
    let has_text = LEAVES.contains(&name.as_str());
    let mut found = Element {
        name,
        members: Vec::new(),
        text: String::new(),
    };
    if has_text {
        found.text = try_data(decoder)?.into_owned();
        return Ok(found);
    }
    while let Some(mut member) = decoder.next_tag() {
        found.members.push(element(&mut member)?);
    }
    Ok(found)
}

/// Elements that hold a text.
const LEAVES: [&str; 19] = [
    "Bucket",
    "ClientRequestToken",
    "ConfirmationRequired",
    "CreatedAfter",
    "CreatedBefore",
    "Description",
    "EligibleForReplication",
    "EnableManifestOutput",
    "Enabled",
    "ExpectedBucketOwner",
    "Format",
    "ObjectSizeGreaterThanBytes",
    "ObjectSizeLessThanBytes",
    "Prefix",
    "Priority",
    "ReportScope",
    "RoleArn",
    "SourceBucket",
    "member",
];

fn check(path: &str, element: &Element, shape: &Shape) -> Result<(), String> {
    let text = element.text.as_str();
    let fits = match shape {
        Text(least, most) => (*least..=*most).contains(&text.chars().count()),
        Arn(service) => text.starts_with("arn:aws") && text.contains(service),
        Bool => ["true", "false"].contains(&text),
        Number(least, most) => text
            .parse::<i64>()
            .is_ok_and(|number| (*least..=*most).contains(&number)),
        OneOf(words) => words.contains(&text),
        Moment => {
            let digits = text.chars().filter(char::is_ascii_digit).count();
            text.len() == 20 && digits == 14 && text.ends_with('Z')
        }
        Account => text.len() == 12 && text.chars().all(|c| c.is_ascii_digit()),
        List(item) => {
            if element.members.is_empty() {
                return Err(format!("{path} is an empty list"));
            }
            for member in &element.members {
                if member.name != "member" {
                    return Err(format!("{path} has a {}", member.name));
                }
                check(path, member, item)?;
            }
            true
        }
        Members(known) => return check_members(path, element, known),
        Unused => false,
    };
    match fits {
        true => Ok(()),
        false => Err(format!("{path} may not be {text:?}")),
    }
}

fn check_members(
    path: &str,
    element: &Element,
    known: &[(&'static str, bool, Shape)],
) -> Result<(), String> {
    for (at, member) in element.members.iter().enumerate() {
        let name = &member.name;
        let Some((_, _, shape)) = known.iter().find(|(known, _, _)| known == name) else {
            return Err(format!("{path} has no member {name}"));
        };
        if element.members[..at]
            .iter()
            .any(|other| other.name == *name)
        {
            return Err(format!("{path}.{name} stands twice"));
        }
        check(&format!("{path}.{name}"), member, shape)?;
    }
    for (name, required, _) in known {
        if *required && element.at(name).is_none() {
            return Err(format!("{path}.{name} is missing"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(members: &str) -> String {
        format!("<CreateJobRequest xmlns=\"{NAMESPACE}\">{members}</CreateJobRequest>")
    }

    const FINE: &str = "<ConfirmationRequired>false</ConfirmationRequired>\
        <Operation><S3ReplicateObject></S3ReplicateObject></Operation>\
        <Report><Enabled>false</Enabled></Report>\
        <ClientRequestToken>t</ClientRequestToken><Priority>1</Priority>\
        <RoleArn>arn:aws:iam::111111111111:role/r</RoleArn>\
        <ManifestGenerator><S3JobManifestGenerator>\
        <SourceBucket>arn:aws:s3:::acme</SourceBucket>\
        <Filter><EligibleForReplication>true</EligibleForReplication>\
        <CreatedAfter>2026-01-01T00:00:00Z</CreatedAfter>\
        <ObjectReplicationStatuses><member>NONE</member></ObjectReplicationStatuses></Filter>\
        <EnableManifestOutput>false</EnableManifestOutput>\
        </S3JobManifestGenerator></ManifestGenerator>";

    #[test]
    fn a_request_of_the_documented_shape_is_read() {
        let request = read(&body(FINE)).unwrap();
        assert_eq!(request.text("RoleArn"), "arn:aws:iam::111111111111:role/r");
        assert_eq!(request.text("Description"), "");
    }

    #[test]
    fn anything_else_is_refused_at_its_member() {
        for (from, to, why) in [
            (
                "<Priority>1</Priority>",
                "",
                "CreateJobRequest.Priority is missing",
            ),
            (
                "<Priority>1</Priority>",
                "<Priority>-1</Priority>",
                "CreateJobRequest.Priority may not be",
            ),
            ("NONE", "PENDING", "ObjectReplicationStatuses may not be"),
            (
                "<member>NONE</member>",
                "",
                "ObjectReplicationStatuses is an empty list",
            ),
            (
                "2026-01-01T00:00:00Z",
                "1767225600",
                "CreatedAfter may not be",
            ),
            (
                "<Enabled>false</Enabled>",
                "<Enabled>true</Enabled>",
                "an enabled report needs its Bucket",
            ),
            (
                "<EligibleForReplication>true",
                "<EligibleForReplication>false",
                "only eligible objects",
            ),
            (
                "<Priority>",
                "<Priorty>2</Priorty><Priority>",
                "CreateJobRequest has no member Priorty",
            ),
            (
                "<Priority>",
                "<Priority>2</Priority><Priority>",
                "CreateJobRequest.Priority stands twice",
            ),
            (
                "<S3ReplicateObject></S3ReplicateObject>",
                "",
                "Operation.S3ReplicateObject is missing",
            ),
            (
                "<Operation>",
                "<Tags></Tags><Operation>",
                "CreateJobRequest.Tags may not be",
            ),
        ] {
            assert!(FINE.contains(from), "{from}");
            let refused = read(&body(&FINE.replace(from, to))).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
        let stranger = body(FINE).replace("2018-08-20", "2018-08-21");
        assert!(read(&stranger).unwrap_err().contains("namespace"));
    }
}
