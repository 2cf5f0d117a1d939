//! The calls by h2-sync-grpc.

use std::thread;

use h2_sync::server::Server;
use h2_sync_grpc::Status;
use h2_sync_grpc::client::Channel;
use h2_sync_grpc::server::{Context, Receiver, Sender, Services};
use pb::{Order, Payload};

use crate::{Kind, Task};

mod pb {
    h2_sync_grpc::include_proto!("bench");
}

struct Bench;

impl pb::Bench for Bench {
    fn echo(&self, _: &Context, request: Payload) -> Result<Payload, Status> {
        Ok(request)
    }

    fn download(
        &self,
        _: &Context,
        order: Order,
        replies: &mut Sender<Payload>,
    ) -> Result<(), Status> {
        let payload = Payload { data: vec![7; order.size as usize] };
        for _ in 0..order.count {
            replies.feed(&payload)?;
        }
        Ok(())
    }

    fn upload(&self, _: &Context, requests: &mut Receiver<Payload>) -> Result<Order, Status> {
        let mut order = Order::default();
        for request in requests {
            order.count += 1;
            order.size = request?.data.len() as u32;
        }
        Ok(order)
    }
}

pub(crate) fn serve() {
    let services = Services::new().service(pb::BenchServer::new(Bench));
    let server = Server::bind("127.0.0.1:0").unwrap().serve(services.into_handler()).unwrap();
    println!("http://{}", server.local_addr().unwrap());
    server.wait();
}

pub(crate) fn call(task: Task, url: &str) {
    let client = pb::BenchClient::new(&Channel::new(url).unwrap());
    let Task { kind, count, at_once, size } = task;
    let payload = Payload { data: vec![7; size as usize] };
    let threads: Vec<_> = (0..at_once)
        .map(|_| {
            let (client, payload) = (client.clone(), payload.clone());
            thread::spawn(move || match kind {
                Kind::Unary => {
                    for _ in 0..count / at_once {
                        assert_eq!(client.echo(&payload).unwrap().message(), &payload);
                    }
                }
                Kind::Download => {
                    let replies = client.download(&Order { count, size }).unwrap();
                    assert_eq!(replies.map(Result::unwrap).count(), count as usize);
                }
                Kind::Upload => {
                    let (mut requests, reply) = client.upload().unwrap();
                    for _ in 0..count {
                        requests.feed(&payload).unwrap();
                    }
                    requests.finish().unwrap();
                    assert_eq!(reply.wait().unwrap().message().count, count);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}
