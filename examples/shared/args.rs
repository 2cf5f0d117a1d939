//! Command-line arguments and TLS setup of the example servers.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::{env, process};

use h2_sync::server::{Config, Handle, Listener, Request, Response, Server, TrustedProxies};

/// The address to listen on, and the TLS settings.
pub(crate) struct Args {
    address: String,
    /// Whether connections from this machine begin with the PROXY protocol.
    is_proxied: bool,
    /// The arguments of `--tls`: none, or a certificate and its key.
    tls: Option<Vec<String>>,
}

impl Args {
    /// Parses `[ADDRESS] [MORE...] [--proxy] [--tls [CERT KEY]]`, with a default for each of MORE.
    /// For other arguments, it prints the help text and exits. `--proxy` is allowed if the help text
    /// has it.
    pub(crate) fn parse<const N: usize>(help: &str, more: [&str; N]) -> (Args, [String; N]) {
        let mut words: Vec<String> =
            env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
        if words.iter().any(|word| word == "-h" || word == "--help") {
            print!("{help}");
            process::exit(0);
        }
        let tls = words.iter().position(|word| word == "--tls").map(|at| {
            let files = words.split_off(at + 1);
            words.truncate(at);
            files
        });
        let proxy = words.iter().position(|word| word == "--proxy" && help.contains(word));
        proxy.map(|at| words.remove(at));
        let files = tls.as_ref().map_or(0, Vec::len);
        if words.len() > 1 + N
            || ![0, 2].contains(&files)
            || words.iter().any(|word| word.starts_with('-'))
        {
            eprint!("{help}");
            process::exit(2);
        }
        let mut words = words.into_iter();
        let address = words.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        let more = more.map(|default| words.next().unwrap_or_else(|| default.to_owned()));
        (Args { address, is_proxied: proxy.is_some(), tls }, more)
    }

    /// Starts the server and prints its URL. Exits if it cannot be started.
    pub(crate) fn serve<H, E>(&self, config: Config, handler: H) -> Handle
    where
        H: Fn(&mut Request, &mut Response) -> Result<(), E> + Send + Sync + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        let mut server = Server::on(or_leave(listen(&self.address), "cannot listen"));
        if self.is_proxied {
            let mut trusted = TrustedProxies::new();
            for address in ["127.0.0.0/8", "::1"] {
                or_leave(trusted.add(address), "no trusted proxy");
            }
            server = server.proxy_protocol(trusted);
        }
        let server = match &self.tls {
            Some(files) => secure(server, files),
            None => server,
        };
        let handle = or_leave(server.config(config).serve(handler), "cannot serve");
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        if let Some(address) = handle.local_addr() {
            println!("listening on {scheme}://{address}");
            // A parent process at the other end of a pipe may wait for this line.
            or_leave(io::stdout().flush(), "cannot write to stdout");
        }
        handle
    }
}

/// Takes the sockets of systemd or of a predecessor, if there are any.
fn listen(address: &str) -> io::Result<Vec<Listener>> {
    #[cfg(unix)]
    let mut listeners = Listener::inherited()?;
    #[cfg(not(unix))]
    let mut listeners = Vec::new();
    if listeners.is_empty() {
        listeners.push(Listener::bind(address)?);
    }
    Ok(listeners)
}

/// How often the files of certificates are looked at.
#[cfg(feature = "tls")]
const CERTIFICATES: std::time::Duration = std::time::Duration::from_secs(10);

/// Enables TLS, with a generated certificate if none is given.
#[cfg(feature = "tls")]
fn secure(server: Server, files: &[String]) -> Server {
    use h2_sync::tls::{Acceptor, Certificates};

    let acceptor = match files {
        [certificate, key] => {
            let certificates = or_leave(Certificates::from_pem_files(certificate, key), "TLS");
            // For as long as the program runs.
            std::mem::forget(or_leave(certificates.watch(CERTIFICATES), "TLS"));
            Acceptor::from_certificates(&certificates)
        }
        _ => {
            // It is not trusted: use `curl --insecure`; browsers show a warning.
            let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
            let made = or_leave(rcgen::generate_simple_self_signed(names), "no certificate");
            let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
            Acceptor::from_pem(certificate.as_bytes(), key.as_bytes())
        }
    };
    server.tls(or_leave(acceptor, "TLS"))
}

#[cfg(not(feature = "tls"))]
fn secure(_: Server, _: &[String]) -> Server {
    or_leave(Err("built without the feature `tls`"), "TLS")
}

fn or_leave<T, E: Display>(result: Result<T, E>, what: &str) -> T {
    result.unwrap_or_else(|error| {
        eprintln!("{what}: {error}");
        process::exit(1);
    })
}
