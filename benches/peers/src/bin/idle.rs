//! Opens connections to a server, asks once for `GET /` on each of them, and holds them until its
//! standard input ends.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use peers::{AnyError, usage};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// The preface (RFC 9113, Section 3.4), SETTINGS without any, and the acknowledgement of theirs.
const PREFACE: &[u8] =
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0";

/// HEADERS on stream 1 with END_STREAM and END_HEADERS: `:method: GET`, `:path: /`, the scheme
/// (`http` is 0x86, `https` 0x87), and `:authority: localhost`.
const GET: &[u8] = b"\0\0\x0e\x01\x05\0\0\0\x01\x82\x84\x86\x41\x09localhost";

fn main() -> Result<(), AnyError> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let (address, count, cert) = match &args[..] {
        [address, count] => (address, count, None),
        [address, count, cert] => (address, count, Some(cert)),
        _ => usage("ADDRESS COUNT [CERT]"),
    };
    let tls = cert.map(|cert| trust(cert)).transpose()?;
    let mut connections = Vec::new();
    for _ in 0..count.parse()? {
        connections.push(connect(address, tls.as_ref())?);
    }
    println!("connected");
    io::stdout().flush()?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn trust(cert: &str) -> Result<Arc<ClientConfig>, AnyError> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(cert)?)?;
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

trait ReadWrite: Read + Write {}

impl<T: Read + Write> ReadWrite for T {}

fn connect(address: &str, tls: Option<&Arc<ClientConfig>>) -> Result<Box<dyn ReadWrite>, AnyError> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut get = GET.to_vec();
    let mut stream: Box<dyn ReadWrite> = match tls {
        None => Box::new(stream),
        Some(tls) => {
            // The third field of the block.
            get[11] = 0x87;
            let session = ClientConnection::new(Arc::clone(tls), "localhost".try_into()?)?;
            Box::new(StreamOwned::new(session, stream))
        }
    };
    stream.write_all(&[PREFACE, &get].concat())?;
    // Until the end of the response: a frame on stream 1 with the flag END_STREAM.
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let length = u64::from(u32::from_be_bytes([0, head[0], head[1], head[2]]));
        io::copy(&mut (&mut stream).take(length), &mut io::sink())?;
        if head[8] == 1 && head[3] <= 1 && head[4] & 1 != 0 {
            return Ok(stream);
        }
    }
}
