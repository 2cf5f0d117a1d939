//! Responses that no honest server gives, at our client.

use std::sync::Arc;
use std::time::Duration;

use h2_sync::server::{Handle, Request, Response, Server};
use h2_sync_grpc::client::{CallOptions, Channel, RetryPolicy};
use h2_sync_grpc::{Code, Status};
use h2_sync_grpc_interop::pb::{Empty, OutputRequest, TestServiceClient};
use http::{HeaderMap, HeaderValue};

use crate::memory::bounded;

/// A server that answers as it is told.
pub(crate) struct Liar {
    handle: Handle,
}

impl Liar {
    pub(crate) fn new(
        answer: impl Fn(&Request, &mut Response) -> Result<(), h2_sync::Error> + Send + Sync + 'static,
    ) -> Self {
        let answer = Arc::new(answer);
        let handler = move |request: &mut Request, response: &mut Response| {
            while request.next_chunk()?.is_some() {}
            answer(request, response)
        };
        Liar { handle: Server::bind("127.0.0.1:0").unwrap().serve(handler).unwrap() }
    }

    pub(crate) fn client(&self) -> TestServiceClient {
        let url = format!("http://{}", self.handle.local_addr().unwrap());
        TestServiceClient::new(&Channel::new(&url).unwrap())
    }

    /// How a unary call ends.
    pub(crate) fn status(&self) -> Status {
        self.client().empty_call(&Empty {}).unwrap_err()
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.handle.shutdown(Duration::ZERO);
    }
}

pub(crate) fn fields(list: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| {
        (http::HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    list.iter().map(pair).collect()
}

/// How a unary call ends whose response has these fields, this body and these trailers.
fn status_of(
    headers: &[(&'static str, &'static str)],
    body: &'static [u8],
    trailers: &[(&'static str, &'static str)],
) -> Status {
    let (headers, trailers) = (fields(headers), fields(trailers));
    let liar = Liar::new(move |_, response| {
        response.headers_mut()?.extend(headers.clone());
        response.send(body)?;
        response.set_trailers(trailers.clone());
        Ok(())
    });
    liar.status()
}

pub(crate) const GRPC: (&str, &str) = ("content-type", "application/grpc");
pub(crate) const OK: (&str, &str) = ("grpc-status", "0");

#[test]
fn answers_of_http_have_the_codes_of_the_specification() {
    bounded(|| {
        for (status, code) in [
            (400, Code::Internal),
            (401, Code::Unauthenticated),
            (403, Code::PermissionDenied),
            (404, Code::Unimplemented),
            (429, Code::Unavailable),
            (503, Code::Unavailable),
            (500, Code::Unknown),
            (302, Code::Unknown),
            (200, Code::Unknown),
        ] {
            let liar = Liar::new(move |_, response| {
                response.set_status(status)?;
                response.set_header("location", "/elsewhere")?;
                response.send("<html>")
            });
            assert_eq!(liar.status().code(), code, "{status}");
        }
    });
}

#[test]
fn response_without_a_status_is_unknown() {
    bounded(|| {
        assert_eq!(status_of(&[GRPC], b"\0\0\0\0\0", &[]).code(), Code::Unknown);
        assert_eq!(status_of(&[GRPC], b"\0\0\0\0\0", &[("x", "y")]).code(), Code::Unknown);
    });
}

#[test]
fn number_of_messages_has_to_be_one() {
    bounded(|| {
        assert_eq!(status_of(&[GRPC], b"", &[OK]).code(), Code::Unimplemented);
        let two = b"\0\0\0\0\0\0\0\0\0\0";
        assert_eq!(status_of(&[GRPC], two, &[OK]).code(), Code::Unimplemented);
    });
}

#[test]
fn malformed_messages_are_internal() {
    bounded(|| {
        for body in [&b"\0\0\0"[..], b"\0\0\0\0\x05abc", b"\x02\0\0\0\0", b"\x01\0\0\0\0"] {
            assert_eq!(status_of(&[GRPC], body, &[OK]).code(), Code::Internal, "{body:?}");
        }
        let gzip = [GRPC, ("grpc-encoding", "gzip")];
        assert_eq!(status_of(&gzip, b"\x01\0\0\0\x02no", &[OK]).code(), Code::Internal);
        let other = [GRPC, ("grpc-encoding", "snappy")];
        assert_eq!(status_of(&other, b"\0\0\0\0\0", &[OK]).code(), Code::Internal);
    });
}

#[test]
fn message_of_4_gib_is_refused_before_it_comes() {
    bounded(|| {
        let failed = status_of(&[GRPC], b"\0\xff\xff\xff\xff", &[OK]);
        assert_eq!(failed.code(), Code::ResourceExhausted);
    });
}

#[test]
fn status_of_a_cut_response_is_that_of_the_trailers() {
    bounded(|| {
        let failed = status_of(&[GRPC], b"\0\0\0\0\x05abc", &[("grpc-status", "5")]);
        assert_eq!(failed.code(), Code::NotFound);
        let odd = status_of(&[GRPC], b"", &[("grpc-status", "banana"), ("grpc-message", "%zz%41")]);
        assert_eq!((odd.code(), odd.message()), (Code::Unknown, "%zzA"));
    });
}

#[test]
fn reset_stream_has_the_code_of_the_specification() {
    bounded(|| {
        let liar = Liar::new(|_, response| {
            response.headers_mut()?.extend(fields(&[GRPC]));
            // A part of a message of 1 MiB.
            response.send([&b"\0\0\x10\0\0"[..], &[0; 100_000]].concat())?;
            panic!("the test asks for it");
        });
        assert_eq!(liar.status().code(), Code::Internal);
    });
}

#[test]
fn stream_ends_with_its_first_error() {
    bounded(|| {
        let liar = Liar::new(|_, response| {
            response.headers_mut()?.extend(fields(&[GRPC]));
            response.send(&b"\0\0\0\0\0\0\0\0\0\x02\xff\xff\0\0\0\0\0"[..])?;
            response.set_trailers(fields(&[OK]));
            Ok(())
        });
        let replies = liar.client().streaming_output_call(&OutputRequest::default()).unwrap();
        let outcomes: Vec<_> = replies.map(|reply| reply.map_err(|status| status.code())).collect();
        assert_eq!(outcomes.len(), 2);
        assert_eq!(outcomes[1], Err(Code::Internal));
    });
}

/// Attempts that a call takes where the server fails with `trailers` until it is asked the third time.
fn attempts(trailers: &'static [(&'static str, &'static str)], retry: bool) -> (u32, bool) {
    let counter = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = Arc::clone(&counter);
    let liar = Liar::new(move |request, response| {
        let before = counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let told = request.field("grpc-previous-rpc-attempts").unwrap_or("0");
        assert_eq!(told, before.to_string());
        response.headers_mut()?.extend(fields(&[GRPC]));
        if before < 2 {
            response.headers_mut()?.extend(fields(trailers));
            return Ok(());
        }
        response.send(&b"\0\0\0\0\0"[..])?;
        response.set_trailers(fields(&[OK]));
        Ok(())
    });
    let mut policy = RetryPolicy::default();
    policy.first_pause = Duration::from_millis(1);
    let options = CallOptions::new().retry(retry.then_some(policy));
    let is_ok = liar.client().with(options).empty_call(&Empty {}).is_ok();
    (counter.load(std::sync::atomic::Ordering::SeqCst), is_ok)
}

#[test]
fn calls_are_repeated_where_the_policy_says_so() {
    bounded(|| {
        assert_eq!(attempts(&[("grpc-status", "14")], true), (3, true));
        assert_eq!(attempts(&[("grpc-status", "14")], false), (1, false));
        assert_eq!(attempts(&[("grpc-status", "13")], true), (1, false));
        let no = &[("grpc-status", "14"), ("grpc-retry-pushback-ms", "-1")];
        assert_eq!(attempts(no, true), (1, false));
        let soon = &[("grpc-status", "14"), ("grpc-retry-pushback-ms", "1")];
        assert_eq!(attempts(soon, true), (3, true));
    });
}
