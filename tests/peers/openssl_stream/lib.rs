//! HTTP/2 over OpenSSL's stream, which one thread can use at a time: its reads and writes give up
//! after a moment, and the two threads of a connection take turns.
//!
//! A package of its own, since it needs libssl and its headers; `.ci/run` runs it.
#![cfg(test)]

#[path = "../../any_stream/alone.rs"]
mod alone;
#[path = "../../any_stream/exchange.rs"]
mod exchange;

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use h2_sync::transport::Shared;
use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    AlpnError, Ssl, SslContext, SslContextBuilder, SslMethod, SslStream, select_next_proto,
};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

use alone::alone;
use exchange::between;

/// So long a read keeps a write waiting, or a write a read.
const TURN: Duration = Duration::from_millis(5);

#[test]
fn an_openssl_stream_with_read_timeouts() {
    alone("an_openssl_stream_with_read_timeouts", || {
        let (key, certificate) = self_signed().unwrap();
        let (client, server) =
            (client_context().unwrap(), server_context(&key, &certificate).unwrap());
        let (near, far) = tcp();
        let mut client = SslStream::new(Ssl::new(&client).unwrap(), near).unwrap();
        let mut server = SslStream::new(Ssl::new(&server).unwrap(), far).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| server.accept().unwrap());
            client.connect().unwrap();
        });
        assert_eq!(client.ssl().selected_alpn_protocol(), Some(&b"h2"[..]));
        between(shared(client), shared(server));
    });
}

fn shared(stream: SslStream<TcpStream>) -> Shared<SslStream<TcpStream>> {
    let socket = stream.get_ref();
    socket.set_read_timeout(Some(TURN)).unwrap();
    socket.set_write_timeout(Some(TURN)).unwrap();
    Shared::with_shutdown(stream, |stream, how| {
        if how == Shutdown::Write {
            // The message by which TLS says that nothing more is written.
            match stream.shutdown() {
                Ok(_) => {}
                Err(error) => return Err(error.into_io_error().unwrap_or_else(io::Error::other)),
            }
        }
        stream.get_ref().shutdown(how)
    })
}

fn client_context() -> Result<SslContext, ErrorStack> {
    let mut context = SslContextBuilder::new(SslMethod::tls_client())?;
    context.set_alpn_protos(b"\x02h2")?;
    Ok(context.build())
}

fn server_context(key: &PKey<Private>, certificate: &X509) -> Result<SslContext, ErrorStack> {
    let mut context = SslContextBuilder::new(SslMethod::tls_server())?;
    context.set_private_key(key)?;
    context.set_certificate(certificate)?;
    context.set_alpn_select_callback(|_, offered| {
        select_next_proto(b"\x02h2", offered).ok_or(AlpnError::ALERT_FATAL)
    });
    Ok(context.build())
}

fn self_signed() -> Result<(PKey<Private>, X509), ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_text("CN", "test")?;
    let name = name.build();
    let mut certificate = X509Builder::new()?;
    certificate.set_version(2)?;
    certificate.set_subject_name(&name)?;
    certificate.set_issuer_name(&name)?;
    certificate.set_pubkey(&key)?;
    let (from, to) = (Asn1Time::days_from_now(0)?, Asn1Time::days_from_now(1)?);
    certificate.set_not_before(&from)?;
    certificate.set_not_after(&to)?;
    certificate.sign(&key, MessageDigest::sha256())?;
    Ok((key, certificate.build()))
}

/// Two ends of a connection on loopback.
fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}
