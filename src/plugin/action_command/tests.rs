use async_trait::async_trait;
use futures::stream;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::framework::provider::{Action, Provider, Resource};
use crate::framework::schema::{Attribute, Schema, Setter};
use crate::framework::told::told;
use crate::framework::value::Type;

const COPY: ActionCommand = ActionCommand {
    name: "copy",
    action: "test_copy",
    operand: "import_id",
};

/// A provider that is configured with a region, and refuses one.
struct Copying;

#[async_trait]
impl Provider for Copying {
    fn version(&self) -> &str {
        "1.0.0"
    }

    fn schema(&self) -> Schema {
        let optional = |name| Attribute::string(name, Setter::Optional, "");
        Schema::new(
            "",
            vec![optional("region"), optional("password").sensitive()],
        )
    }

    async fn validate(&self, _: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    async fn configure(&self, request: ConfigureRequest) -> Diagnostics {
        let mut said = Diagnostics::new();
        if request.config.attribute("region").as_str() == Some("nowhere") {
            said.error("No such region", "Write another one.");
        }
        said
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        Vec::new()
    }

    fn actions(&self) -> Vec<Arc<dyn Action>> {
        vec![Arc::new(Copy)]
    }
}

/// Copies; what is called "endless" until it is stopped, and what is called "deaf" for ever.
struct Copy;

#[async_trait]
impl Action for Copy {
    fn type_name(&self) -> &str {
        COPY.action
    }

    fn schema(&self) -> Schema {
        let list = Attribute::new("prefixes", Type::list(Type::String), Setter::Optional, "");
        Schema::new(
            "Copies.",
            vec![
                Attribute::string("import_id", Setter::Required, ""),
                Attribute::string("created_after", Setter::Optional, "Only younger ones."),
                Attribute::number("priority", Setter::Optional, ""),
                Attribute::bool("detach", Setter::Optional, ""),
                list,
            ],
        )
    }

    async fn invoke(
        &self,
        config: Value,
        stop: CancellationToken,
    ) -> BoxStream<'static, ActionEvent> {
        told(|teller| async move {
            let mut said = Diagnostics::new();
            teller.say("begun");
            teller.advance("1 of 2", 1, 2);
            if config.attribute("import_id").as_str() == Some("endless") {
                stop.cancelled().await;
                said.error("It was stopped", "Run it again.");
            }
            if config.attribute("import_id").as_str() == Some("deaf") {
                std::future::pending::<()>().await;
            }
            said
        })
    }
}

fn asked(arguments: &[&str]) -> Result<Asked, String> {
    let server = Server::new(Arc::new(Copying));
    let flags = Flags {
        action: &server.schemas().actions[COPY.action].schema.block,
        provider: &server.schemas().provider.block,
        command: COPY,
    };
    let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
    flags.parse(&arguments)
}

#[test]
fn flags_are_attributes_in_every_spelling() {
    let written = [
        "acme",
        "--created-after=2026-01-01",
        "-priority",
        "10",
        "--detach",
        "--prefixes=a",
        "--prefixes",
        "b,c",
        "-region=eu-west-1",
    ];
    let Ok(Asked::Run { action, provider }) = asked(&written) else {
        panic!("refused");
    };
    let items = ["a", "b,c"].map(Value::string);
    for (name, expected) in [
        ("import_id", Value::string("acme")),
        ("created_after", Value::string("2026-01-01")),
        ("priority", Value::number(10)),
        ("detach", Value::Bool(true)),
        ("prefixes", Value::List(items.into())),
    ] {
        assert_eq!(*action.attribute(name), expected, "{name}");
    }
    assert_eq!(provider.attribute("region").as_str(), Some("eu-west-1"));
    assert!(provider.attribute("password").is_null());
    let Ok(Asked::Run { action, .. }) = asked(&["acme", "--detach=false"]) else {
        panic!("refused");
    };
    assert_eq!(*action.attribute("detach"), Value::Bool(false));
    assert_eq!(asked(&["acme", "--help"]), Ok(Asked::Help));
}

#[test]
fn what_is_no_flag_is_refused_in_words() {
    for (arguments, why) in [
        (&[][..], "The import ID is missing."),
        (&["a", "b"], "Unknown argument: b"),
        (&["a", "--creatd-after=x"], "Unknown flag: --creatd-after=x"),
        (&["a", "--password=x"], "Unknown flag: --password=x"),
        (&["a", "--priority"], "The flag --priority needs a value."),
        (&["a", "--priority=ten"], "The flag --priority is a number."),
        (
            &["a", "--detach=maybe"],
            "The flag --detach is a switch: leave its value out, or write true or false.",
        ),
        (
            &["a", "--region=x", "--region=y"],
            "The flag --region is written twice.",
        ),
    ] {
        assert_eq!(asked(arguments), Err(why.to_owned()), "{arguments:?}");
    }
}

/// What a person sees, and how it ended.
async fn run(import_id: &str, region: Option<&str>, interrupts: usize) -> (Outcome, String) {
    let server = Server::new(Arc::new(Copying));
    let region = region.map_or(Value::Null, Value::string);
    let provider = Value::object([("region", region), ("password", Value::Null)]);
    let Ok(Asked::Run { action, .. }) = asked(&[import_id]) else {
        panic!("refused");
    };
    let mut out = Vec::new();
    let screen = Screen::new(&mut out, false);
    let presses = stream::iter(vec![(); interrupts]).chain(stream::pending());
    let outcome = invoke(
        &server,
        COPY.action,
        provider,
        action,
        screen,
        presses.boxed(),
    )
    .await;
    (outcome, String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn an_action_runs_to_its_end_and_tells_its_progress() {
    let (outcome, seen) = run("acme", None, 0).await;
    assert_eq!(outcome, Outcome::Done);
    assert_eq!(seen, "begun\n1 of 2\n");
}

#[tokio::test]
async fn a_provider_that_cannot_be_configured_runs_nothing() {
    let (outcome, seen) = run("acme", Some("nowhere"), 0).await;
    assert_eq!(outcome, Outcome::Failed);
    assert_eq!(seen, "\nError: No such region\n\nWrite another one.\n");
}

#[tokio::test]
async fn the_first_interrupt_stops_the_action_and_the_second_leaves_it() {
    let (outcome, seen) = run("endless", None, 1).await;
    assert_eq!(outcome, Outcome::Failed);
    assert!(seen.contains("Stopping: ") && seen.contains("Error: It was stopped"));
    assert_eq!(run("deaf", None, 2).await.0, Outcome::Left);
}
