//! The provider as practitioners meet it: a real Terraform, the built executable, an emulated AWS.
//!
//! Every case runs once for each client ([`on_each_client`]), with accounts and names of its own, all at
//! the same time on one emulator. The modules below `support` test what the other cases stand on.

mod abac;
mod backfill;
mod basic;
mod bucket_status;
mod crash;
mod credential_sources;
mod destinations;
mod destroy;
mod drift;
mod existing;
mod fault_sample;
mod faults;
mod functions;
mod import;
mod imports;
mod in_place;
mod keys;
mod lifecycle_rules;
mod locations;
mod meta_arguments;
mod mocks;
mod moved;
mod object_lock;
mod operator;
mod permissions;
mod plan_texts;
mod planning;
mod policies_elsewhere;
mod provider_block;
mod query;
mod refusals;
mod replace;
mod retain;
mod role;
mod rules;
mod secrets;
mod sensitive;
mod setup;
mod setups;
mod stand_ins;
mod support {
    mod emulator;
    mod proxy;
    mod terraform;
}
mod stored;
mod theirs;
mod two_way;
mod unknown_provider;
mod update;
mod verification;
mod ways;

/// Makes of each `async fn name(client: Client) -> Outcome` a module of that name with one test per client. A case that
/// `needs` a feature is left out, by name, on a client that does not have it.
macro_rules! on_each_client {
    ($($case:ident $(needs $feature:ident)?),+ $(,)?) => {
        $(
            mod $case {
                #[tokio::test]
                async fn terraform_path() -> ::support::Outcome {
                    let case = concat!(module_path!(), "::terraform_path");
                    let needs = [$(::support::features::Feature::$feature)?];
                    match crate::setup::client_on_path(case, &needs)? {
                        Some(client) => super::$case(client).await,
                        None => Ok(()),
                    }
                }

                #[tokio::test]
                async fn terraform_1_15() -> ::support::Outcome {
                    super::$case(::support::terraform::Client::from_python()?).await
                }
            }
        )+
    };
}
use on_each_client;
