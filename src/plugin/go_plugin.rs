//! The services that go-plugin's clients expect next to the plugin's own: ending the process, two streams
//! that Terraform opens at once and that stay silent, and health.
//!
//! Open streams would keep the server from ending, so all of them end with [`Closing`].

use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, future, stream};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};
use tracing::debug;

use super::generated::go_plugin::grpc_broker_server::GrpcBroker;
use super::generated::go_plugin::grpc_controller_server::GrpcController;
use super::generated::go_plugin::grpc_stdio_server::GrpcStdio;
use super::generated::go_plugin::{ConnInfo, Empty, StdioData};
use super::generated::health::health_check_response::ServingStatus;
use super::generated::health::health_server::Health;
use super::generated::health::{HealthCheckRequest, HealthCheckResponse};

/// The name under which go-plugin's clients ask for a plugin's health.
const PLUGIN_SERVICE: &str = "plugin";

type Events<T> = BoxStream<'static, Result<T, Status>>;

/// All services around the plugin's own. Cancelled when the server is to end.
#[derive(Debug, Clone)]
pub(super) struct Closing(pub(super) CancellationToken);

impl Closing {
    /// A stream that says nothing and ends with the server.
    fn silence<T: Send + 'static>(&self) -> Response<Events<T>> {
        let closed = self.0.clone().cancelled_owned();
        Response::new(stream::pending().take_until(closed).boxed())
    }
}

#[tonic::async_trait]
impl GrpcController for Closing {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        debug!("Terraform ends this process");
        self.0.cancel();
        Ok(Response::new(Empty {}))
    }
}

#[tonic::async_trait]
impl GrpcStdio for Closing {
    type StreamStdioStream = Events<StdioData>;

    async fn stream_stdio(
        &self,
        _: Request<()>,
    ) -> Result<Response<Self::StreamStdioStream>, Status> {
        // Whatever was sent here, Terraform would log as a warning.
        Ok(self.silence())
    }
}

#[tonic::async_trait]
impl GrpcBroker for Closing {
    type StartStreamStream = Events<ConnInfo>;

    async fn start_stream(
        &self,
        request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        // Terraform offers no further connections; should one come, it is not taken up.
        let offers = request.into_inner().filter_map(|_| future::ready(None));
        let closed = self.0.clone().cancelled_owned();
        Ok(Response::new(offers.take_until(closed).boxed()))
    }
}

#[tonic::async_trait]
impl Health for Closing {
    type WatchStream = Events<HealthCheckResponse>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match health(&request.into_inner().service) {
            Some(status) => Ok(Response::new(status)),
            None => Err(Status::not_found("no such service")),
        }
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let status = health(&request.into_inner().service).unwrap_or(HealthCheckResponse {
            status: ServingStatus::ServiceUnknown.into(),
        });
        // It never changes while we can tell.
        let then = stream::pending().take_until(self.0.clone().cancelled_owned());
        let first = future::ready(Ok(status)).into_stream();
        Ok(Response::new(first.chain(then).boxed()))
    }
}

/// The health of a service; the empty name is the whole server.
fn health(service: &str) -> Option<HealthCheckResponse> {
    matches!(service, "" | PLUGIN_SERVICE).then(|| HealthCheckResponse {
        status: ServingStatus::Serving.into(),
    })
}
