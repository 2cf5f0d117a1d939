//! Common parts of the tests of our `client::Client` against other servers.

use std::io::{self, Read};

use h2_sync::client::{Body, Client, Config, Proxies, Versions};
use http::StatusCode;

use crate::body::{self, Check};
use crate::files::Folder;
use crate::peer::{self, PATIENCE};

/// The size of a body that takes more than one window: 8 MiB.
pub(crate) const OCTETS: usize = 8 << 20;

/// Settings that ignore the environment.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.proxies = Proxies::Never;
    config.versions = Versions::Http2;
    config.timeout = Some(PATIENCE);
    config
}

/// A client that trusts this identity.
pub(crate) fn config_for(identity: &crate::tls::Identity) -> Config {
    let mut config = config();
    config.tls = Some(identity.connector());
    config
}

/// A running server, and a client for it.
pub(crate) struct Served {
    pub(crate) client: Client,
    base: String,
    folder: Option<Folder>,
    _server: peer::Server,
}

impl Served {
    /// In clear text.
    pub(crate) fn clear(server: peer::Server, folder: Option<Folder>) -> Self {
        let client = Client::with_config(config()).unwrap();
        let base = format!("http://{}", server.address);
        Served { client, base, folder, _server: server }
    }

    /// Over TLS, with this identity.
    pub(crate) fn secure(
        server: peer::Server,
        folder: Folder,
        identity: &crate::tls::Identity,
    ) -> Self {
        let client = Client::with_config(config_for(identity)).unwrap();
        let base = format!("https://{}", server.address);
        Served { client, base, folder: Some(folder), _server: server }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A file in the server's folder.
    pub(crate) fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.as_ref().expect("it has a folder").join(name)
    }

    /// Downloads a body of `octets` octets, and compares it.
    #[track_caller]
    pub(crate) fn assert_gets(&self, path: &str, octets: usize) {
        let response = self.client.get(self.url(path)).send().unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(check(response).result(octets), Ok(()), "{path}");
    }

    /// Sends bodies of known and of unknown length, and one piece of octets; all are echoed.
    #[track_caller]
    pub(crate) fn assert_echoes(&self, path: &str, octets: usize) {
        let reader = || Octets { at: 0, end: octets };
        let mut whole = Vec::new();
        reader().read_to_end(&mut whole).unwrap();
        let known = Body::from_reader_with_len(reader(), octets as u64);
        for body in [known, Body::from_reader(reader()), Body::from(whole)] {
            let response = self.client.post(self.url(path)).body(body).send().unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(check(response).result(octets), Ok(()), "{path}");
        }
    }

    /// Sends sequential requests, and asserts that they used one connection.
    #[track_caller]
    pub(crate) fn assert_keeps_its_connection(&self, path: &str) {
        for _ in 0..50 {
            let response = self.client.get(self.url(path)).send().unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            response.bytes().unwrap();
        }
        let again = self.client.get(self.url(path)).send().unwrap();
        assert!(again.facts().is_reused());
        assert_eq!(self.client.connections().len(), 1);
    }

    /// Follows a redirect with each of these statuses.
    #[track_caller]
    pub(crate) fn assert_redirects(&self, statuses: &[u16]) {
        for status in statuses {
            let response = self.client.get(self.url(&format!("/to/{status}"))).send().unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{status}");
            assert_eq!(response.facts().redirects, 1, "{status}");
            assert_eq!(response.url().path(), "/hello", "{status}");
        }
    }

    /// Exercises the routes of `node_routes.mjs` and its equivalents.
    pub(crate) fn assert_has_all_routes(&self) {
        let hello = self.client.get(self.url("/hello")).send().unwrap();
        assert_eq!(hello.text().unwrap(), "hello");
        self.assert_echoes("/echo", OCTETS);
        self.assert_redirects(&[301, 302, 303, 307, 308]);
        let trailing = self.client.get(self.url("/trailers")).header("te", "trailers");
        let mut trailing = trailing.send().unwrap();
        let trailers = trailing.trailers().unwrap().expect("they come behind the body");
        assert_eq!(trailers["outcome"], "fine");
        let missing = self.client.get(self.url("/missing")).send().unwrap();
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
        drop((trailing, missing));
        self.assert_keeps_its_connection("/hello");
    }
}

/// The body of [`body`], for sending.
#[derive(Debug)]
pub(crate) struct Octets {
    pub(crate) at: usize,
    pub(crate) end: usize,
}

impl Read for Octets {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let piece = body::piece(self.at, self.end.min(self.at + buf.len()));
        buf[..piece.len()].copy_from_slice(&piece);
        self.at += piece.len();
        Ok(piece.len())
    }
}

/// Compares a received body with that of [`body`].
pub(crate) fn check(mut response: impl Read) -> Check {
    let mut check = Check::default();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match response.read(&mut buffer).unwrap() {
            0 => return check,
            n => check.take(&buffer[..n]),
        }
    }
}
