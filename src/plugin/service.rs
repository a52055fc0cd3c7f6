//! The protocol's service: every call is one line of the table at the end of this file.
//!
//! A call runs as a task of its own. So it ends even if the client gives up on it (what an apply has made must
//! be told or undone), and a panic in it is an error diagnostic, not a broken connection.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::stream::BoxStream;
use futures::{FutureExt, Stream, StreamExt, stream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status, Streaming};
use tracing::field::Empty;
use tracing::{Instrument, Span, debug, debug_span};

use crate::framework::crash;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::server::Server;

use super::calls;
use super::from_proto::error;
use super::generated::tfplugin6 as wire;
use super::generated::tfplugin6::provider_server::Provider;
use super::to_proto::failure::{FailedAnswer, FailedEvent};

/// The provider as a gRPC service.
pub(super) struct Service {
    server: Arc<Server>,
    calls: TaskTracker,
    requests: AtomicU64,
}

/// A stream of messages of the protocol.
type Events<T> = BoxStream<'static, Result<T, Status>>;

impl Service {
    /// Every call under way is tracked by `calls`.
    pub(super) fn new(server: Arc<Server>, calls: TaskTracker) -> Self {
        Self {
            server,
            calls,
            requests: AtomicU64::new(1),
        }
    }

    /// Answers a call. Never a gRPC error: Terraform would lose what an apply has made.
    async fn answer<Q, A, F>(
        &self,
        rpc: &'static str,
        request: Request<Q>,
        call: impl FnOnce(Arc<Server>, Q) -> F,
    ) -> Result<Response<A>, Status>
    where
        Q: Clone,
        A: FailedAnswer<Q> + Send + 'static,
        F: Future<Output = Result<A, Diagnostics>> + Send + 'static,
    {
        let request = request.into_inner();
        let kept = request.clone();
        let answer = self.run(rpc, call(Arc::clone(&self.server), request)).await;
        Ok(Response::new(
            answer.unwrap_or_else(|why| A::failed(kept, &why)),
        ))
    }

    /// Answers a call with a stream. It stops when the client drops it.
    async fn stream<Q, E, F>(
        &self,
        rpc: &'static str,
        request: Request<Q>,
        call: impl FnOnce(Arc<Server>, Q) -> F,
    ) -> Result<Response<Events<E>>, Status>
    where
        E: FailedEvent + Send + 'static,
        F: Future<Output = Result<BoxStream<'static, E>, Diagnostics>> + Send + 'static,
    {
        let started = self.run(rpc, call(Arc::clone(&self.server), request.into_inner()));
        Ok(Response::new(match started.await {
            Ok(events) => unbroken(rpc, events).boxed(),
            Err(why) => stream::iter([Ok(E::failed(&why))]).boxed(),
        }))
    }

    /// Answers a call with a stream. What it does goes on to its end when the client drops it: what an action has begun
    /// must be ended in good order, and it is told to stop when the client is gone.
    async fn stream_to_its_end<Q, E, F>(
        &self,
        rpc: &'static str,
        request: Request<Q>,
        call: impl FnOnce(Arc<Server>, Q) -> F,
    ) -> Result<Response<Events<E>>, Status>
    where
        E: FailedEvent + Send + 'static,
        F: Future<Output = Result<BoxStream<'static, E>, Diagnostics>> + Send + 'static,
    {
        let mut events = self.stream(rpc, request, call).await?.into_inner();
        let (sender, heard) = mpsc::channel(1);
        self.calls.spawn(async move {
            let mut is_heard = true;
            while let Some(event) = events.next().await {
                is_heard = is_heard && sender.send(event).await.is_ok();
            }
        });
        Ok(Response::new(ReceiverStream::new(heard).boxed()))
    }

    /// Runs a call to its end, whatever becomes of the connection.
    async fn run<T: Send + 'static>(
        &self,
        rpc: &'static str,
        call: impl Future<Output = Result<T, Diagnostics>> + Send + 'static,
    ) -> Result<T, Diagnostics> {
        let id = self.requests.fetch_add(1, Ordering::Relaxed);
        let span = debug_span!(
            "call",
            tf_rpc = rpc,
            tf_req_id = id,
            tf_resource_type = Empty
        );
        let logged = async move {
            debug!("call received");
            let answer = call.await;
            debug!(readable = answer.is_ok(), "call answered");
            answer
        };
        let caught = AssertUnwindSafe(logged.instrument(span)).catch_unwind();
        match self.calls.spawn(caught).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(panic)) => Err(crashed(rpc, panic.as_ref())),
            // Nobody aborts these tasks; the runtime does when the process ends.
            Err(_) => Err(error(
                "The provider ended",
                format!("The provider's process ended during {rpc}."),
            )),
        }
    }
}

/// The same events; a panic becomes the last one.
fn unbroken<E: FailedEvent + Send + 'static>(
    rpc: &'static str,
    events: BoxStream<'static, E>,
) -> impl Stream<Item = Result<E, Status>> + Send {
    let span = Span::current();
    AssertUnwindSafe(events).catch_unwind().map(move |event| {
        let told = || event.unwrap_or_else(|panic| E::failed(&crashed(rpc, panic.as_ref())));
        Ok(span.in_scope(told))
    })
}

fn crashed(rpc: &str, panic: &(dyn Any + Send)) -> Diagnostics {
    let operation = format!("answer {rpc}");
    error("The provider crashed", crash::report(&operation, panic))
}

fn not_offered(what: &str) -> Status {
    Status::unimplemented(format!("this provider offers no {what}"))
}

/// Writes the service from a table of calls: those answered once, those answered by a stream, and those of
/// features that are not offered.
macro_rules! service {
    (
        answered { $($module:ident { $($rpc:ident)* })* }
        streamed { $($stream_module:ident { $stream_rpc:ident: $stream:ident by $streamed:ident })* }
        not_offered {
            $($what:literal { $($missing:ident($messages:ident))* })*
        }
    ) => {
        #[tonic::async_trait]
        impl Provider for Service {
            $($(async fn $rpc(
                &self,
                request: Request<wire::$rpc::Request>,
            ) -> Result<Response<wire::$rpc::Response>, Status> {
                self.answer(stringify!($rpc), request, calls::$module::$rpc).await
            })*)*

            $(type $stream = Events<wire::$stream_rpc::Event>;

            async fn $stream_rpc(
                &self,
                request: Request<wire::$stream_rpc::Request>,
            ) -> Result<Response<Self::$stream>, Status> {
                self.$streamed(stringify!($stream_rpc), request, calls::$stream_module::$stream_rpc).await
            })*

            $($(async fn $missing(
                &self,
                _: Request<wire::$messages::Request>,
            ) -> Result<Response<wire::$messages::Response>, Status> {
                Err(not_offered($what))
            })*)*

            type ReadStateBytesStream = Events<wire::read_state_bytes::Response>;

            async fn read_state_bytes(
                &self,
                _: Request<wire::read_state_bytes::Request>,
            ) -> Result<Response<Self::ReadStateBytesStream>, Status> {
                Err(not_offered("state stores"))
            }

            async fn write_state_bytes(
                &self,
                _: Request<Streaming<wire::write_state_bytes::RequestChunk>>,
            ) -> Result<Response<wire::write_state_bytes::Response>, Status> {
                Err(not_offered("state stores"))
            }
        }
    };
}

service! {
    answered {
        provider {
            get_metadata
            get_provider_schema
            get_resource_identity_schemas
            validate_provider_config
            configure_provider
            stop_provider
        }
        resource {
            validate_resource_config
            upgrade_resource_state
            upgrade_resource_identity
            read_resource
            plan_resource_change
            apply_resource_change
            import_resource_state
            move_resource_state
            generate_resource_config
        }
        data_source {
            validate_data_resource_config
            read_data_source
        }
        function {
            get_functions
            call_function
        }
        list_resource {
            validate_list_resource_config
        }
        action {
            validate_action_config
            plan_action
        }
    }
    streamed {
        list_resource { list_resource: ListResourceStream by stream }
        action { invoke_action: InvokeActionStream by stream_to_its_end }
    }
    not_offered {
        "ephemeral resources" {
            validate_ephemeral_resource_config(validate_ephemeral_resource_config)
            open_ephemeral_resource(open_ephemeral_resource)
            renew_ephemeral_resource(renew_ephemeral_resource)
            close_ephemeral_resource(close_ephemeral_resource)
        }
        "state stores" {
            validate_state_store_config(validate_state_store)
            configure_state_store(configure_state_store)
            lock_state(lock_state)
            unlock_state(unlock_state)
            get_states(get_states)
            delete_state(delete_state)
        }
    }
}
