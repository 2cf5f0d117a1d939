//! A client for `helloworld_server`: the shortest program that makes a call.
//! It takes the URL and a name from the command line.
//!
//! `cargo run -p h2-sync-grpc-examples --bin helloworld_client [URL [NAME]]`

use std::time::Duration;

use h2_sync_grpc::client::{CallOptions, Channel};

mod pb {
    h2_sync_grpc::include_proto!("helloworld");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or("http://127.0.0.1:50051".to_owned());
    let name = arguments.next().unwrap_or("world".to_owned());

    let options = CallOptions::new().timeout(Duration::from_secs(5));
    let greeter = pb::GreeterClient::new(&Channel::new(&url)?).with(options);
    let reply = greeter.say_hello(&pb::HelloRequest { name })?;
    println!("{}", reply.message().message);
    Ok(())
}
