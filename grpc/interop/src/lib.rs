//! The service that the tests call, and servers for it.

#[path = "../../../tests/support/bounded.rs"]
mod bounded;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use h2_sync::server::{Config, Handle, Server};
use h2_sync::tls::Acceptor;
use h2_sync_grpc::client::Channel;
use h2_sync_grpc::server::{Context, Receiver, Sender, Services};
use h2_sync_grpc::{Code, Status};

pub use bounded::{LONG, bounded, eventually};

/// The code generated from `testing.proto`.
#[allow(missing_docs)]
pub mod pb {
    h2_sync_grpc::include_proto!("h2sync.testing");
}

/// The code generated from `names.proto`.
#[allow(missing_docs)]
pub mod names {
    h2_sync_grpc::include_proto!("h2sync.names");
}

/// The code generated from the files in `shapes/`: a module for each package.
#[allow(missing_docs, clippy::module_inception)]
pub mod shapes {
    include!(concat!(env!("OUT_DIR"), "/shapes.rs"));
}

use pb::{
    EchoStatus, Empty, InputRequest, InputResponse, OutputRequest, OutputResponse, SimpleRequest,
    SimpleResponse,
};

/// The key of metadata that is echoed before the first message.
pub const ECHO_INITIAL: &str = "x-grpc-test-echo-initial";

/// The key of binary metadata that is echoed with the status.
pub const ECHO_TRAILING: &str = "x-grpc-test-echo-trailing-bin";

/// The service of the tests.
#[derive(Debug, Default)]
pub struct TestService {
    /// The number of calls that have failed with CANCELLED.
    pub cancelled: AtomicU64,
    /// The number of calls that have begun.
    pub begun: AtomicU64,
}

impl TestService {
    /// Echoes metadata.
    fn echo(&self, cx: &Context) -> Result<(), Status> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        if let Some(value) = cx.metadata().get(ECHO_INITIAL) {
            cx.add_header(ECHO_INITIAL, value)?;
        }
        for octets in cx.metadata().get_all_bin(ECHO_TRAILING) {
            cx.add_trailer_bin(ECHO_TRAILING, octets)?;
        }
        Ok(())
    }

    /// Counts a call whose client no longer waits.
    //
    // Any operation of the method may report it: a receive, a send, or the flush after it. Only the
    // outcome covers all of them.
    fn count(&self, outcome: Result<(), Status>) -> Result<(), Status> {
        if outcome.as_ref().is_err_and(|status| status.code() == Code::Cancelled) {
            self.cancelled.fetch_add(1, Ordering::SeqCst);
        }
        outcome
    }

    /// Sleeps, unless the call is cancelled.
    fn sleep(&self, cx: &Context, millis: i32) -> Result<(), Status> {
        let time = Duration::from_millis(millis.unsigned_abs().into());
        if !time.is_zero() && cx.wait_cancelled(time) {
            return Err(Status::cancelled("the client no longer waits"));
        }
        Ok(())
    }
}

impl pb::TestService for TestService {
    fn empty_call(&self, cx: &Context, request: Empty) -> Result<Empty, Status> {
        self.echo(cx).map(|()| request)
    }

    fn unary_call(&self, cx: &Context, request: SimpleRequest) -> Result<SimpleResponse, Status> {
        self.echo(cx)?;
        let left = cx.time_left().map_or(0, |left| left.as_millis() as i64);
        self.sleep(cx, request.sleep_ms)?;
        assert!(!request.panic, "the test asks for it");
        fail_as_asked(request.status.as_ref())?;
        Ok(SimpleResponse { payload: payload(request.response_size), time_left_ms: left })
    }

    fn streaming_output_call(
        &self,
        cx: &Context,
        request: OutputRequest,
        replies: &mut Sender<OutputResponse>,
    ) -> Result<(), Status> {
        self.echo(cx)?;
        self.reply(cx, &request, replies)
    }

    fn streaming_input_call(
        &self,
        cx: &Context,
        requests: &mut Receiver<InputRequest>,
    ) -> Result<InputResponse, Status> {
        self.echo(cx)?;
        let mut size = 0;
        for request in requests {
            size += request?.payload.len() as i64;
        }
        Ok(InputResponse { size })
    }

    fn full_duplex_call(
        &self,
        cx: &Context,
        requests: &mut Receiver<OutputRequest>,
        replies: &mut Sender<OutputResponse>,
    ) -> Result<(), Status> {
        self.echo(cx)?;
        for request in requests {
            self.reply(cx, &request?, replies)?;
        }
        Ok(())
    }
}

impl TestService {
    fn reply(
        &self,
        cx: &Context,
        request: &OutputRequest,
        replies: &mut Sender<OutputResponse>,
    ) -> Result<(), Status> {
        for &size in &request.sizes {
            self.sleep(cx, request.sleep_ms)?;
            replies.send(&OutputResponse { payload: payload(size) })?;
        }
        assert!(!request.panic, "the test asks for it");
        fail_as_asked(request.status.as_ref())
    }
}

fn fail_as_asked(status: Option<&EchoStatus>) -> Result<(), Status> {
    match status {
        Some(status) if status.code != 0 => {
            let failed = Status::new(Code::from_i32(status.code), status.message.clone());
            Err(failed.with_details(status.details.clone()))
        }
        _ => Ok(()),
    }
}

/// Requests that a call ends with this status.
impl From<&Status> for EchoStatus {
    fn from(status: &Status) -> Self {
        EchoStatus {
            code: status.code() as i32,
            message: status.message().to_owned(),
            details: status.details().to_vec(),
        }
    }
}

/// A payload of zeros.
pub fn payload(size: i32) -> Vec<u8> {
    vec![0; usize::try_from(size).unwrap_or_default()]
}

/// A server of the test service, which ends when it is dropped.
#[derive(Debug)]
pub struct Running {
    /// The service that it serves.
    pub service: Arc<TestService>,
    handle: Handle,
}

/// Serves the test service on loopback.
pub fn serve() -> Running {
    serve_with(Config::default(), |services| services)
}

/// Serves the test service with changed settings.
pub fn serve_with(config: Config, change: impl FnOnce(Services) -> Services) -> Running {
    start(Server::bind("127.0.0.1:0").expect("loopback").config(config), change)
}

/// Serves the test service over TLS.
pub fn serve_tls(acceptor: Acceptor, change: impl FnOnce(Services) -> Services) -> Running {
    start(Server::bind("127.0.0.1:0").expect("loopback").tls(acceptor), change)
}

fn start(server: Server, change: impl FnOnce(Services) -> Services) -> Running {
    let service = Arc::new(TestService::default());
    let counting = Arc::clone(&service);
    let services = Services::new()
        .service(pb::TestServiceServer::shared(Arc::clone(&service)))
        .intercept(move |cx, next| counting.count(next.run(cx)));
    let handle = server.serve(change(services).into_handler()).expect("a server");
    Running { service, handle }
}

impl Running {
    /// Returns host and port.
    pub fn address(&self) -> String {
        self.handle.local_addr().expect("an address of IP").to_string()
    }

    /// Returns the URL of the server.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Creates a channel to the server.
    pub fn channel(&self) -> Channel {
        Channel::new(&self.url()).expect("a URL")
    }

    /// Creates a client of the test service.
    pub fn client(&self) -> pb::TestServiceClient {
        pb::TestServiceClient::new(&self.channel())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shutdown(Duration::ZERO);
    }
}
