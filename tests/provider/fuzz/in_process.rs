//! The provider's service, and messages to it as bytes.

use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use terraform_provider_replicated::framework::crash::FIRST_LINE;
use terraform_provider_replicated::framework::provider::Provider;
use terraform_provider_replicated::framework::server::Server;
use terraform_provider_replicated::plugin::services::{Services, in_process};
use tonic::body::Body;
use tonic::codegen::{Bytes, Service as _, http};

/// A provider's service in this process.
#[derive(Clone)]
pub struct InProcess(Services);

/// What came back.
pub struct Answer {
    /// The messages, each behind five bytes with its length.
    pub messages: Bytes,
    /// gRPC's status: `0` where there are messages.
    pub status: String,
}

impl InProcess {
    pub fn of(provider: Arc<dyn Provider>) -> Self {
        Self(in_process(Arc::new(Server::new(provider))))
    }

    /// Sends one message; what it is framed with is as it should be.
    pub async fn call(&self, rpc: &str, message: &[u8]) -> Answer {
        let length = u32::try_from(message.len()).unwrap();
        self.call_framed(rpc, length, message).await
    }

    /// Sends a message that is said to be so long.
    pub async fn call_framed(&self, rpc: &str, length: u32, message: &[u8]) -> Answer {
        let mut frame = vec![0];
        frame.extend(length.to_be_bytes());
        frame.extend(message);
        let request = http::Request::post(format!("/tfplugin6.Provider/{rpc}"))
            .header("content-type", "application/grpc")
            .body(Body::new(Full::new(Bytes::from(frame))))
            .unwrap();
        let response = self.0.clone().call(request).await.unwrap();
        let at_once = response.headers().get("grpc-status").cloned();
        let body = response.into_body().collect().await.unwrap();
        let in_the_end = body
            .trailers()
            .and_then(|trailers| trailers.get("grpc-status"));
        let status = at_once.as_ref().or(in_the_end).expect("a status");
        let answer = Answer {
            status: status.to_str().unwrap().to_owned(),
            messages: body.to_bytes(),
        };
        answer.assert_no_crash();
        answer
    }
}

impl Answer {
    /// Whether a text stands in the messages.
    pub fn says(&self, text: &str) -> bool {
        let text = text.as_bytes();
        self.messages.windows(text.len()).any(|part| part == text)
    }

    fn assert_no_crash(&self) {
        let said = String::from_utf8_lossy(&self.messages);
        let report = said.split_once(FIRST_LINE).map(|(_, report)| report);
        assert!(report.is_none(), "the provider crashed: {report:?}");
    }
}
