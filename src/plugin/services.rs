//! All services of a connection behind one: a request's path begins with the name of its service.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, http};

use crate::framework::server::Server;

use super::generated::go_plugin::grpc_broker_server::{self, GrpcBrokerServer};
use super::generated::go_plugin::grpc_controller_server::{self, GrpcControllerServer};
use super::generated::go_plugin::grpc_stdio_server::{self, GrpcStdioServer};
use super::generated::health::health_server::{self, HealthServer};
use super::generated::tfplugin6::provider_server::{self, ProviderServer};
use super::go_plugin::Closing;
use super::service::Service;

/// The largest request: a state of that size is far beyond what Terraform itself can work with.
const LARGEST_REQUEST: usize = 256 * 1024 * 1024;

/// The services without a connection, for a client in the same process.
pub fn in_process(server: Arc<Server>) -> Services {
    let service = Service::new(server, TaskTracker::new());
    Services::new(service, &Closing(CancellationToken::new()))
}

/// Chooses the service of a request.
#[derive(Clone)]
pub struct Services {
    provider: ProviderServer<Service>,
    controller: GrpcControllerServer<Closing>,
    stdio: GrpcStdioServer<Closing>,
    broker: GrpcBrokerServer<Closing>,
    health: HealthServer<Closing>,
}

impl Services {
    pub(super) fn new(provider: Service, closing: &Closing) -> Self {
        Self {
            provider: ProviderServer::new(provider)
                .max_decoding_message_size(LARGEST_REQUEST)
                .max_encoding_message_size(usize::MAX),
            controller: GrpcControllerServer::new(closing.clone()),
            stdio: GrpcStdioServer::new(closing.clone()),
            broker: GrpcBrokerServer::new(closing.clone()),
            health: HealthServer::new(closing.clone()),
        }
    }
}

impl tonic::codegen::Service<http::Request<Body>> for Services {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        match request.uri().path().split('/').nth(1) {
            Some(provider_server::SERVICE_NAME) => self.provider.call(request),
            Some(grpc_controller_server::SERVICE_NAME) => self.controller.call(request),
            Some(grpc_stdio_server::SERVICE_NAME) => self.stdio.call(request),
            Some(grpc_broker_server::SERVICE_NAME) => self.broker.call(request),
            Some(health_server::SERVICE_NAME) => self.health.call(request),
            _ => Box::pin(async { Ok(Status::unimplemented("no such service").into_http()) }),
        }
    }
}
