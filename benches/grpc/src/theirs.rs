//! The calls by tonic, on one thread of tokio: with several they cost more.

use std::pin::Pin;

use pb::bench_client::BenchClient;
use pb::bench_server::{Bench, BenchServer};
use pb::{Order, Payload};
use tokio_stream::Stream;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, Streaming};

use crate::{Kind, Task};

mod pb {
    include!(concat!(env!("OUT_DIR"), "/tonic/bench.rs"));
}

struct Service;

#[tonic::async_trait]
impl Bench for Service {
    async fn echo(&self, request: Request<Payload>) -> Result<Response<Payload>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    type DownloadStream = Pin<Box<dyn Stream<Item = Result<Payload, Status>> + Send>>;

    async fn download(
        &self,
        request: Request<Order>,
    ) -> Result<Response<Self::DownloadStream>, Status> {
        let order = request.into_inner();
        let payload = Payload { data: vec![7; order.size as usize] };
        let payloads = (0..order.count).map(move |_| Ok(payload.clone()));
        Ok(Response::new(Box::pin(tokio_stream::iter(payloads))))
    }

    async fn upload(
        &self,
        request: Request<Streaming<Payload>>,
    ) -> Result<Response<Order>, Status> {
        let mut requests = request.into_inner();
        let mut order = Order::default();
        while let Some(request) = requests.message().await? {
            order.count += 1;
            order.size = request.data.len() as u32;
        }
        Ok(Response::new(order))
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) fn serve() {
    runtime().block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("http://{}", listener.local_addr().unwrap());
        let mut server = tonic::transport::Server::builder().tcp_nodelay(true);
        let router = server.add_service(BenchServer::new(Service));
        router.serve_with_incoming(TcpListenerStream::new(listener)).await.unwrap();
    });
}

pub(crate) fn call(task: Task, url: &str) {
    let runtime = runtime();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let client = BenchClient::connect(url.to_owned()).await.unwrap();
        let calls: Vec<_> = (0..task.at_once)
            .map(|_| tokio::task::spawn_local(one(task, client.clone())))
            .collect();
        for call in calls {
            call.await.unwrap();
        }
    });
}

async fn one(task: Task, mut client: BenchClient<tonic::transport::Channel>) {
    let Task { kind, count, at_once, size } = task;
    let payload = Payload { data: vec![7; size as usize] };
    match kind {
        Kind::Unary => {
            for _ in 0..count / at_once {
                let answer = client.echo(Request::new(payload.clone())).await.unwrap();
                assert_eq!(answer.get_ref(), &payload);
            }
        }
        Kind::Download => {
            let mut replies =
                client.download(Request::new(Order { count, size })).await.unwrap().into_inner();
            let mut received = 0;
            while let Some(_reply) = replies.message().await.unwrap() {
                received += 1;
            }
            assert_eq!(received, count);
        }
        Kind::Upload => {
            let requests = tokio_stream::iter((0..count).map(move |_| payload.clone()));
            let order = client.upload(Request::new(requests)).await.unwrap().into_inner();
            assert_eq!(order.count, count);
        }
    }
}
