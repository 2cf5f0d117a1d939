//! A web page and gRPC on one port, in one handler.
//! Browsers receive the page, gRPC clients the replies of the service.
//!
//! `cargo run -p h2-sync-grpc-examples --bin web_and_grpc [ADDRESS]`

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use h2_sync::Error;
use h2_sync::server::{Request, Response, Server};
use h2_sync_grpc::Status;
use h2_sync_grpc::server::{Context, Services};

mod pb {
    h2_sync_grpc::include_proto!("helloworld");
}

#[derive(Default)]
struct Greeter {
    greeted: AtomicU64,
}

impl pb::Greeter for Greeter {
    fn say_hello(&self, _: &Context, request: pb::HelloRequest) -> Result<pb::HelloReply, Status> {
        let number = self.greeted.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(pb::HelloReply { message: format!("Hello, {}! You are number {number}.", request.name) })
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    let greeter = Arc::new(Greeter::default());
    let services = Services::new().service(pb::GreeterServer::shared(Arc::clone(&greeter)));

    let handler = move |request: &mut Request, response: &mut Response| -> Result<(), Error> {
        if services.takes(request) {
            return services.handle(request, response);
        }
        let greeted = greeter.greeted.load(Ordering::Relaxed);
        response.set_header("content-type", "text/html; charset=utf-8")?;
        write!(response, "<title>Greeter</title><p>{greeted} greetings so far.")?;
        Ok(())
    };
    let server = Server::bind(address)?.serve(handler)?;
    println!("listening on {}", server.local_addr().ok_or("no address")?);
    server.wait();
    Ok(())
}
