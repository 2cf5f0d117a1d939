//! A server with one unary method: the shortest program that serves gRPC.
//! `helloworld_client` calls it.
//!
//! `cargo run -p h2-sync-grpc-examples --bin helloworld_server [ADDRESS]`

use h2_sync::server::Server;
use h2_sync_grpc::Status;
use h2_sync_grpc::server::{Context, Services};

mod pb {
    h2_sync_grpc::include_proto!("helloworld");
}

struct Greeter;

impl pb::Greeter for Greeter {
    fn say_hello(&self, _: &Context, request: pb::HelloRequest) -> Result<pb::HelloReply, Status> {
        if request.name.is_empty() {
            return Err(Status::invalid_argument("the name is empty"));
        }
        Ok(pb::HelloReply { message: format!("Hello, {}!", request.name) })
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:50051".to_owned());
    let services = Services::new().service(pb::GreeterServer::new(Greeter));
    let server = Server::bind(address)?.serve(services.into_handler())?;
    println!("listening on {}", server.local_addr().ok_or("no address")?);
    server.wait();
    Ok(())
}
