//! Which regions there are, so that a mistyped one is caught before a host name is made of it.
//!
//! The form of a code is looked at in validation. Whether there is such a region is looked at later, in a plan,
//! because the provider's `skip_region_validation` may have it taken as it is: AWS adds regions every year.

use crate::framework::diagnostics::Diagnostics;
use crate::framework::schema::Validator;
use crate::framework::value::{AttributePath, Value};
use crate::provider::spelling::did_you_mean;
use crate::replication::ids::Region;

/// What an error about a region that is not known is called.
pub(crate) const UNKNOWN: &str = "No such region";

/// Refuses a region that this version does not know.
pub(crate) fn check_known(region: &Region) -> Result<(), String> {
    let code = region.as_str();
    if KNOWN.contains(&code) {
        return Ok(());
    }
    let meant = did_you_mean(code, KNOWN);
    Err(format!(
        "This version of the provider knows no region {code:?}.{meant} If AWS has added it since, set skip_region_validation in the provider block."
    ))
}

/// Looks at the form of a region's code.
pub(crate) fn region() -> impl Validator {
    RegionCode
}

/// The regions known when this version was made.
const KNOWN: [&str; 45] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-isoe-west-1",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isof-east-1",
    "us-isof-south-1",
    "us-west-1",
    "us-west-2",
];

#[derive(Debug)]
struct RegionCode;

impl Validator for RegionCode {
    fn validate(&self, path: &AttributePath, value: &Value, diagnostics: &mut Diagnostics) {
        let Some(code) = value.as_str() else { return };
        if Region::parse(code).is_err() {
            let meant = did_you_mean(code, KNOWN);
            diagnostics.error_at(
                path.clone(),
                UNKNOWN,
                format!(
                    "{path} is refused: it is no region's code, which looks like eu-west-1.{meant}"
                ),
            );
        }
    }
}

/// Route 53 hosted zones of S3's website endpoints, as AWS publishes them. A newer region has none here.
pub(crate) fn hosted_zone_id(region: &Region) -> Option<&'static str> {
    Some(match region.as_str() {
        "af-south-1" => "Z83WF9RJE8B12",
        "ap-east-1" => "ZNB98KWMFR0R6",
        "ap-northeast-1" => "Z2M4EHUR26P7ZW",
        "ap-northeast-2" => "Z3W03O7B5YMIYP",
        "ap-northeast-3" => "Z2YQB5RD63NC85",
        "ap-south-1" => "Z11RGJOFQNVJUP",
        "ap-south-2" => "Z02976202B4EZMXIPMXF7",
        "ap-southeast-1" => "Z3O0J2DXBE1FTB",
        "ap-southeast-2" => "Z1WCIGYICN2BYD",
        "ap-southeast-3" => "Z01613992JD795ZI93075",
        "ap-southeast-4" => "Z0312387243XT5FE14WFO",
        "ca-central-1" => "Z1QDHH18159H29",
        "cn-northwest-1" => "Z282HJ1KT0DH03",
        "eu-central-1" => "Z21DNDUVLTQW6Q",
        "eu-central-2" => "Z030506016YDQGETNASS",
        "eu-north-1" => "Z3BAZG2TWCNX0D",
        "eu-south-1" => "Z30OZKI7KPW7MI",
        "eu-south-2" => "Z0081959F7139GRJC19J",
        "eu-west-1" => "Z1BKCTXD74EZPE",
        "eu-west-2" => "Z3GKZC51ZF0DB4",
        "eu-west-3" => "Z3R1K369G5AVDG",
        "il-central-1" => "Z09640613K4A3MN55U7GU",
        "me-central-1" => "Z06143092I8HRXZRUZROF",
        "me-south-1" => "Z1MPMWCPA7YB62",
        "sa-east-1" => "Z7KQH4QJS55SO",
        "us-east-1" => "Z3AQBSTGFYJSTF",
        "us-east-2" => "Z2O1EMRO9K5GLX",
        "us-gov-east-1" => "Z2NIFVYYW2VKV1",
        "us-gov-west-1" => "Z31GFT0UA1I2HV",
        "us-west-1" => "Z2F56UZL2M1ACD",
        "us-west-2" => "Z3BJ6K6RIION7M",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What validation, and then a plan, say of a code.
    fn said(code: &str) -> String {
        let mut diagnostics = Diagnostics::new();
        let value = Value::String(code.to_owned());
        RegionCode.validate(&AttributePath::root("region"), &value, &mut diagnostics);
        let said: String = diagnostics.iter().map(|d| d.detail.clone()).collect();
        match Region::parse(code) {
            Ok(region) => said + &check_known(&region).err().unwrap_or_default(),
            Err(_) => said,
        }
    }

    #[test]
    fn every_known_region_passes_in_silence() {
        for code in KNOWN {
            assert_eq!(said(code), "");
        }
    }

    #[test]
    fn a_mistyped_region_is_an_error_that_names_the_one_meant() {
        for (code, told, meant) in [
            ("eu-wst-1", "knows no region \"eu-wst-1\"", "eu-west-1"),
            ("eu-west-9", "knows no region \"eu-west-9\"", "eu-west-1"),
            ("us-west", "is no region's code", "us-west-1"),
            ("US-EAST-1", "is no region's code", ""),
            ("eu_west_1", "is no region's code", "eu-west-1"),
            ("frankfurt", "is no region's code", ""),
        ] {
            let said = said(code);
            assert!(said.contains(told), "{said}");
            assert_eq!(said.contains("Did you mean"), !meant.is_empty(), "{said}");
            assert!(said.contains(meant), "{said}");
        }
    }
}
