//! How a plugin ends, and what it does for calls that are under way.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use terraform_provider_replicated::plugin::generated::go_plugin::grpc_broker_client::GrpcBrokerClient;
use terraform_provider_replicated::plugin::generated::go_plugin::grpc_controller_client::GrpcControllerClient;
use terraform_provider_replicated::plugin::generated::go_plugin::grpc_stdio_client::GrpcStdioClient;
use terraform_provider_replicated::plugin::generated::go_plugin::{ConnInfo, Empty};
use terraform_provider_replicated::plugin::generated::health::HealthCheckRequest;
use terraform_provider_replicated::plugin::generated::health::health_check_response::ServingStatus;
use terraform_provider_replicated::plugin::generated::health::health_client::HealthClient;
use terraform_provider_replicated::plugin::generated::tfplugin6 as wire;
use terraform_provider_replicated::plugin::generated::tfplugin6::invoke_action::event::Type;
use terraform_provider_replicated::plugin::lifetime::{End, Plugin};
use tokio::task::JoinHandle;
use tonic::{Code, Response, Status};

use crate::calls::create;
use crate::client::{Running, decoded, encoded, summaries};
use crate::provider::{POKE, WAITS, config, config_type, thing, thing_type};

#[tokio::test]
async fn shutdown_ends_the_plugin_with_its_streams_and_removes_the_socket() {
    let plugin = Running::start().await;
    let channel = plugin.channel().await;
    // Terraform opens both at once and keeps them open.
    let mut stdio = GrpcStdioClient::new(channel.clone());
    let mut output = stdio.stream_stdio(()).await.expect("open").into_inner();
    let mut broker = GrpcBrokerClient::new(channel.clone());
    let offers = futures::stream::pending::<ConnInfo>();
    let mut brokered = broker
        .start_stream(offers)
        .await
        .expect("open")
        .into_inner();

    let mut controller = GrpcControllerClient::new(channel);
    controller.shutdown(Empty {}).await.expect("answered");

    assert!(output.message().await.expect("a clean end").is_none());
    assert!(brokered.message().await.expect("a clean end").is_none());
    assert_eq!(plugin.ended().await, (End::Shutdown, vec![]));
}

#[tokio::test]
async fn a_plugin_without_its_client_ends() {
    let plugin = Running::start().await;
    let mut client = plugin.client().await;
    let request = wire::get_metadata::Request {};
    client.get_metadata(request).await.expect("answered");
    drop(client);
    assert_eq!(plugin.ended().await, (End::ClientGone, vec![]));
}

#[tokio::test]
async fn a_plugin_for_any_client_outlives_each_of_them() {
    let plugin = Running::start_with(Plugin::for_any_client).await;
    for _ in 0..2 {
        let mut client = plugin.client().await;
        let request = wire::get_metadata::Request {};
        client.get_metadata(request).await.expect("answered");
    }
    plugin.interrupt.cancel();
    assert_eq!(plugin.ended().await, (End::Interrupted, vec![]));
}

/// Sends a create that waits for the provider to be stopped, and waits until it is under way.
async fn create_that_waits(
    plugin: &Running,
) -> JoinHandle<Result<Response<wire::apply_resource_change::Response>, Status>> {
    let mut client = plugin.client().await;
    let apply = tokio::spawn(async move { client.apply_resource_change(create(WAITS)).await });
    plugin.witness.waiting.notified().await;
    apply
}

#[tokio::test]
async fn stopping_lets_calls_end_early_with_what_they_have_made() {
    let plugin = Running::start().await;
    let mut client = plugin.client().await;
    let apply = create_that_waits(&plugin).await;
    let request = wire::stop_provider::Request {};
    let stopped = client.stop_provider(request).await.expect("answered");
    assert_eq!(stopped.into_inner().error, "");
    let answer = apply
        .await
        .expect("no panic")
        .expect("answered")
        .into_inner();
    assert_eq!(summaries(&answer.diagnostics), ["Stopped"]);
    assert_eq!(
        decoded(answer.new_state.as_ref(), &thing_type()),
        thing(WAITS)
    );
    // The plugin itself stays until it is shut down.
    let request = wire::get_metadata::Request {};
    client.get_metadata(request).await.expect("answered");
}

#[tokio::test]
async fn shutdown_stops_a_call_that_is_under_way_and_sends_its_answer() {
    let plugin = Running::start().await;
    let mut controller = GrpcControllerClient::new(plugin.channel().await);
    let apply = create_that_waits(&plugin).await;
    controller.shutdown(Empty {}).await.expect("answered");
    let answer = apply
        .await
        .expect("no panic")
        .expect("answered")
        .into_inner();
    assert_eq!(summaries(&answer.diagnostics), ["Stopped"]);
    assert_eq!(plugin.ended().await, (End::Shutdown, vec![]));
}

#[tokio::test]
async fn a_call_whose_client_is_gone_is_stopped_and_not_cut_off() {
    let plugin = Running::start().await;
    let apply = create_that_waits(&plugin).await;
    apply.abort();
    let witness = Arc::clone(&plugin.witness);
    assert_eq!(plugin.ended().await, (End::ClientGone, vec![]));
    assert_eq!(witness.finished.load(Ordering::SeqCst), 1);
}

/// Invokes an action that waits for the provider to be stopped, and reads that it has begun.
async fn action_that_waits(plugin: &Running) -> tonic::Streaming<wire::invoke_action::Event> {
    let request = wire::invoke_action::Request {
        action_type: POKE.into(),
        config: encoded(&config(WAITS), &config_type()),
        client_capabilities: None,
    };
    let mut client = plugin.client().await;
    let events = client.invoke_action(request).await.expect("answered");
    let mut events = events.into_inner();
    let begun = events.message().await.expect("open").expect("an event");
    assert!(matches!(begun.r#type, Some(Type::Progress(line)) if line.message == "begun"));
    events
}

#[tokio::test]
async fn an_action_that_is_stopped_tells_nothing_more_but_its_end() {
    let plugin = Running::start().await;
    let mut events = action_that_waits(&plugin).await;
    let request = wire::stop_provider::Request {};
    let mut client = plugin.client().await;
    client.stop_provider(request).await.expect("answered");
    let last = events.message().await.expect("open").expect("an event");
    assert!(matches!(last.r#type, Some(Type::Completed(_))), "{last:?}");
    assert!(events.message().await.expect("a clean end").is_none());
}

#[tokio::test]
async fn an_action_whose_client_is_gone_is_stopped_and_not_cut_off() {
    let plugin = Running::start().await;
    drop(action_that_waits(&plugin).await);
    let witness = Arc::clone(&plugin.witness);
    assert_eq!(plugin.ended().await, (End::ClientGone, vec![]));
    assert_eq!(witness.finished.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn health_is_told_for_the_plugin_and_for_nothing_else() {
    let plugin = Running::start().await;
    let mut health = HealthClient::new(plugin.channel().await);
    let service = |service: &str| HealthCheckRequest {
        service: service.to_owned(),
    };
    for known in ["plugin", ""] {
        let answer = health.check(service(known)).await.expect("answered");
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
    }
    let unknown = health.check(service("other")).await.expect_err("unknown");
    assert_eq!(unknown.code(), Code::NotFound);
    let mut watched = health
        .watch(service("plugin"))
        .await
        .expect("open")
        .into_inner();
    let first = watched.message().await.expect("open").expect("a status");
    assert_eq!(first.status(), ServingStatus::Serving);
}
