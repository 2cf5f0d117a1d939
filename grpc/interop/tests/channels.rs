//! Ways to servers, and what is done around calls.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use h2_sync::client::Client;
use h2_sync::server::{Config, Request, Response, Server};
use h2_sync_grpc::client::{CallOptions, CallStart, Channel};
use h2_sync_grpc::health::Health;
use h2_sync_grpc::server::{Context, Next, Services};
use h2_sync_grpc::{Code, Prost, Status};
use h2_sync_grpc_interop::pb::{Empty, SimpleRequest, TestServiceClient, TestServiceServer};
use h2_sync_grpc_interop::{LONG, TestService, bounded, eventually, serve, serve_with};

#[test]
fn servers_take_turns_and_one_that_is_gone_is_left_out() {
    bounded(|| {
        let (one, other) = (serve(), serve());
        let gone = serve().url();
        let channel = Channel::builder(&one.url()).server(&gone).server(&other.url());
        let client = TestServiceClient::new(&channel.build().unwrap());
        for _ in 0..20 {
            client.empty_call(&Empty {}).unwrap();
        }
        let begun =
            |server: &h2_sync_grpc_interop::Running| server.service.begun.load(Ordering::SeqCst);
        assert!(begun(&one) >= 5 && begun(&other) >= 5);
        assert_eq!(begun(&one) + begun(&other), 20);
    });
}

#[test]
fn server_that_comes_back_is_called_again() {
    bounded(|| {
        let (one, gone) = (serve(), serve());
        let (url, address) = (gone.url(), gone.address());
        let channel = Channel::builder(&one.url()).server(&url).build().unwrap();
        let client = TestServiceClient::new(&channel);
        drop(gone);
        for _ in 0..4 {
            client.empty_call(&Empty {}).unwrap();
        }
        let service = Arc::new(TestService::default());
        let services = Services::new().service(TestServiceServer::shared(Arc::clone(&service)));
        let server = Server::bind(&*address).unwrap().serve(services.into_handler()).unwrap();
        eventually(|| {
            client.empty_call(&Empty {}).unwrap();
            service.begun.load(Ordering::SeqCst) > 0
        });
        server.shutdown(Duration::ZERO);
    });
}

#[test]
fn call_that_waits_for_its_server_finds_it() {
    bounded(|| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let options = CallOptions::new().wait_for_ready(true).timeout(LONG);
        let channel = Channel::new(&format!("http://{address}")).unwrap();
        let client = TestServiceClient::new(&channel).with(options);
        let call = thread::spawn(move || client.empty_call(&Empty {}));
        thread::sleep(Duration::from_millis(100));
        let services = Services::new().service(TestServiceServer::new(TestService::default()));
        let server = Server::bind(address).unwrap().serve(services.into_handler()).unwrap();
        call.join().unwrap().unwrap();
        server.shutdown(Duration::ZERO);
    });
}

#[test]
fn wait_for_a_server_ends_with_the_deadline() {
    bounded(|| {
        let url = serve().url();
        let options = CallOptions::new().wait_for_ready(true).timeout(Duration::from_millis(100));
        let client = TestServiceClient::new(&Channel::new(&url).unwrap()).with(options);
        assert_eq!(client.empty_call(&Empty {}).unwrap_err().code(), Code::DeadlineExceeded);
    });
}

#[cfg(unix)]
#[test]
fn calls_go_over_a_unix_socket() {
    bounded(|| {
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("grpc.sock");
        let _ = std::fs::remove_file(&path);
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let services = Services::new().service(TestServiceServer::new(TestService::default()));
        let server = Server::from_unix_listener(listener).serve(services.into_handler()).unwrap();
        let with_settings = Channel::builder("http://localhost").unix_socket(&path).build();
        for channel in [Channel::unix(&path), with_settings] {
            TestServiceClient::new(&channel.unwrap()).empty_call(&Empty {}).unwrap();
        }
        server.shutdown(Duration::ZERO);
    });
}

#[test]
fn interceptors_at_both_ends_see_each_call() {
    bounded(|| {
        let refused = Arc::new(AtomicU64::new(0));
        let server = serve_with(Config::default(), {
            let refused = Arc::clone(&refused);
            move |services| {
                let outer = move |cx: &mut Context, next: Next<'_>| {
                    let outcome = next.run(cx);
                    refused.fetch_add(u64::from(outcome.is_err()), Ordering::SeqCst);
                    outcome
                };
                let inner =
                    |cx: &mut Context, next: Next<'_>| match cx.metadata().get("authorization") {
                        Some("Bearer abc") => next.run(cx),
                        _ => Err(Status::unauthenticated(cx.path().to_owned())),
                    };
                services.intercept(outer).intercept(inner)
            }
        });
        let failed = server.client().empty_call(&Empty {}).unwrap_err();
        let path = "/h2sync.testing.TestService/EmptyCall";
        assert_eq!((failed.code(), failed.message()), (Code::Unauthenticated, path));
        let channel = Channel::builder(&server.url()).intercept(|call: &mut CallStart<'_>| {
            assert!(call.path().ends_with("/EmptyCall"));
            call.metadata().insert("authorization", "Bearer abc")?;
            Ok(())
        });
        let client = TestServiceClient::new(&channel.build().unwrap());
        client.empty_call(&Empty {}).unwrap();
        assert_eq!(refused.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn web_page_and_calls_share_a_port() {
    bounded(|| {
        let services = Services::new().service(TestServiceServer::new(TestService::default()));
        let handler = move |request: &mut Request, response: &mut Response| {
            if services.takes(request) {
                return services.handle(request, response);
            }
            response.write_all(b"a web page")?;
            Ok::<_, h2_sync::Error>(())
        };
        let server = Server::bind("127.0.0.1:0").unwrap().serve(handler).unwrap();
        let url = format!("http://{}", server.local_addr().unwrap());
        let client = TestServiceClient::new(&Channel::new(&url).unwrap());
        client.unary_call(&SimpleRequest::default()).unwrap();
        let page = Client::new().unwrap().get(&*url).send().unwrap().text().unwrap();
        assert_eq!(page, "a web page");
        server.shutdown(Duration::ZERO);
    });
}

#[test]
fn details_of_a_status_arrive() {
    bounded(|| {
        let server = serve_with(Config::default(), |services| {
            services.intercept(|_: &mut Context, _: Next<'_>| {
                let any =
                    h2_sync_grpc::prost_types::Any { type_url: "t/x".into(), value: vec![1, 0] };
                Err(Status::aborted("m").with_messages(vec![any]))
            })
        });
        let failed = server.client().empty_call(&Empty {}).unwrap_err();
        assert_eq!(failed.messages().unwrap()[0].value, [1, 0]);
    });
}

/// The health of a service, as it is watched.
mod health {
    use h2_sync::server::Aborted;
    use h2_sync_grpc::client::{Receiver, Stub};
    use h2_sync_grpc::health::{HealthCheckRequest, HealthCheckResponse, ServingStatus};

    use super::*;

    fn serve(health: &Health) -> (h2_sync::server::Handle, Stub) {
        let services = Services::new().service(health.service());
        let server = Server::bind("127.0.0.1:0").unwrap().serve(services.into_handler()).unwrap();
        let url = format!("http://{}", server.local_addr().unwrap());
        let stub = Stub::new(&Channel::new(&url).unwrap());
        (server, stub)
    }

    fn watch(stub: &Stub, service: &str) -> Receiver<HealthCheckResponse> {
        let request = HealthCheckRequest { service: service.to_owned() };
        stub.server_streaming(Prost, "/grpc.health.v1.Health/Watch", &request).unwrap()
    }

    #[test]
    fn watch_tells_each_change_and_ends_with_the_server() {
        bounded(|| {
            let health = Health::new();
            let (server, stub) = serve(&health);
            let mut watch = watch(&stub, "s");
            let mut next = || watch.receive().map(|reply| reply.unwrap().status());
            assert_eq!(next().unwrap(), ServingStatus::ServiceUnknown);
            health.set("other", true);
            health.set("s", true);
            assert_eq!(next().unwrap(), ServingStatus::Serving);
            health.set("s", true);
            health.set("s", false);
            assert_eq!(next().unwrap(), ServingStatus::NotServing);
            let ending = thread::spawn(move || server.shutdown(LONG));
            assert_eq!(next().unwrap_err().code(), Code::Unavailable);
            ending.join().unwrap();
        });
    }

    fn check(stub: &Stub, service: &str) -> Result<ServingStatus, Status> {
        let request = HealthCheckRequest { service: service.to_owned() };
        let path = "/grpc.health.v1.Health/Check";
        let reply = stub.unary::<_, _, HealthCheckResponse>(Prost, path, &request)?;
        Ok(reply.message().status())
    }

    #[test]
    fn health_follows_the_readiness_of_the_server() {
        bounded(|| {
            let health = Health::new();
            health.set("s", true);
            let (server, stub) = serve(&health);
            let mut watch = watch(&stub, "s");
            let mut next = || watch.receive().map(|reply| reply.unwrap().status());
            assert_eq!(next().unwrap(), ServingStatus::Serving);
            server.set_ready(false);
            assert_eq!(next().unwrap(), ServingStatus::NotServing);
            assert_eq!(check(&stub, "").unwrap(), ServingStatus::NotServing);
            assert_eq!(check(&stub, "s").unwrap(), ServingStatus::NotServing);
            assert_eq!(check(&stub, "other").unwrap_err().code(), Code::NotFound);
            server.set_ready(true);
            assert_eq!(next().unwrap(), ServingStatus::Serving);
            assert_eq!(check(&stub, "").unwrap(), ServingStatus::Serving);
            server.shutdown(Duration::ZERO);
        });
    }

    #[test]
    fn drain_is_told_before_connections_end() {
        bounded(|| {
            let (server, stub) = serve(&Health::new());
            let mut watch = watch(&stub, "");
            let mut next = || watch.receive().map(|reply| reply.unwrap().status());
            assert_eq!(next().unwrap(), ServingStatus::Serving);
            // The notice lasts until another call ends it.
            let drained = thread::scope(|scope| {
                let drain = scope.spawn(|| server.drain(LONG, LONG));
                assert_eq!(next().unwrap(), ServingStatus::NotServing);
                assert_eq!(check(&stub, "").unwrap(), ServingStatus::NotServing);
                server.shutdown(LONG);
                assert_eq!(next().unwrap_err().code(), Code::Unavailable);
                drain.join().unwrap()
            });
            assert_eq!(drained, Aborted::default());
        });
    }

    #[test]
    fn unknown_service_is_not_found() {
        bounded(|| {
            let (server, stub) = serve(&Health::new());
            assert_eq!(check(&stub, "").unwrap(), ServingStatus::Serving);
            assert_eq!(check(&stub, "s").unwrap_err().code(), Code::NotFound);
            server.shutdown(Duration::ZERO);
        });
    }
}

#[test]
fn refused_uploads_leave_a_long_call_alone() {
    bounded(|| {
        let server = serve();
        let (mut requests, mut replies) = server.client().full_duplex_call().unwrap();
        let request =
            h2_sync_grpc_interop::pb::OutputRequest { sizes: vec![1], ..Default::default() };
        let stub = h2_sync_grpc::client::Stub::new(&server.channel());
        for _ in 0..300 {
            let path = "/h2sync.testing.TestService/Nothing";
            let (mut upload, reply) =
                stub.client_streaming::<_, SimpleRequest, Empty>(Prost, path).unwrap();
            for _ in 0..5 {
                // The server may have refused it by now.
                let _ =
                    upload.send(&SimpleRequest { payload: vec![0; 1_000], ..Default::default() });
            }
            assert_eq!(reply.wait().unwrap_err().code(), Code::Unimplemented);
        }
        requests.send(&request).unwrap();
        assert_eq!(replies.receive().unwrap().unwrap().payload.len(), 1);
    });
}
