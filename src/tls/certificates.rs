//! The certificates of a server, which can be replaced while it runs.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, SystemTime};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::failure::Failure;
use super::key_pair;
use super::pem::{self, Pem};
use crate::error::{Error, ErrorKind};
use crate::logging::{self, Lock};

/// The certificates of a server, from files that are read again when they have changed.
///
/// Each pair of files holds a certificate chain and its private key in PEM. The DNS names in the
/// first certificate of a pair decide which clients get it: those that ask for one of them by SNI
/// (RFC 6066, Section 3). `*.example.com` covers one label. Other clients, and those without SNI,
/// get the first pair. Of two pairs with the same name, the one added first is used.
///
/// [`reload`](Self::reload) reads the files on call, for example after a signal;
/// [`watch`](Self::watch) checks them periodically. New handshakes use the new certificates. Open
/// connections and the listening socket are not affected, and clients can still resume their
/// sessions. A pair that cannot be used, such as a key that does not belong to its certificate yet,
/// is logged as an error, and the previous pair stays in use.
///
/// Cheap to clone; all clones share the certificates.
///
/// ```no_run
/// use std::time::Duration;
///
/// use h2_sync::server::{Request, Response, Server};
/// use h2_sync::tls::{Acceptor, Certificates};
///
/// let certificates = Certificates::from_pem_files("example.com.pem", "example.com.key")?;
/// certificates.add_pem_files("example.net.pem", "example.net.key")?;
/// let _watch = certificates.watch(Duration::from_secs(60))?;
///
/// let handler = |_: &mut Request, response: &mut Response| response.send("hello");
/// let acceptor = Acceptor::from_certificates(&certificates)?;
/// let server = Server::bind("[::]:443")?.tls(acceptor).serve(handler)?;
/// server.wait();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Certificates {
    pub(super) shared: Arc<Shared>,
}

/// The state that all clones and acceptors share.
pub(super) struct Shared {
    /// Held while files are read, so that one reload follows another. Handshakes do not need it.
    pairs: Lock<Vec<Pair>>,
    table: RwLock<Arc<Table>>,
}

/// One chain and its key.
struct Pair {
    chain: PathBuf,
    key: PathBuf,
    certified: Arc<CertifiedKey>,
    /// The state of the files before they were read.
    stamps: [Stamp; 2],
    /// The error that was logged last, so that a lasting one is logged once.
    failure: Option<String>,
}

/// The modification time and the length of a file, if it exists.
type Stamp = Option<(SystemTime, u64)>;

/// Which certificate a name gets.
struct Table {
    default: Arc<CertifiedKey>,
    /// By name in lower case; wildcards as `*.example.com`.
    names: HashMap<String, Arc<CertifiedKey>>,
}

/// Checks the files of [`Certificates`] periodically, until it is dropped.
///
/// [`Certificates`] has an example.
#[must_use = "the files are no longer checked when this is dropped"]
pub struct CertificateWatch {
    _stop: Sender<()>,
}

impl Certificates {
    /// Reads the first pair, which is also the default.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or its content is unusable, as for
    /// [`Acceptor::from_pem_files`](super::Acceptor::from_pem_files).
    pub fn from_pem_files(
        cert_chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, Error> {
        let pairs = vec![Pair::read(cert_chain.as_ref(), key.as_ref())?];
        let table = RwLock::new(Arc::new(Table::of(&pairs)?));
        Ok(Certificates { shared: Arc::new(Shared { pairs: Lock::new(pairs), table }) })
    }

    /// Adds a pair for the DNS names in its certificate. May be called while the server runs.
    ///
    /// # Errors
    ///
    /// Those of [`from_pem_files`](Self::from_pem_files). The other pairs stay in use.
    pub fn add_pem_files(
        &self,
        cert_chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<(), Error> {
        let pair = Pair::read(cert_chain.as_ref(), key.as_ref())?;
        let mut pairs = self.shared.pairs.lock();
        pairs.push(pair);
        let set = self.shared.set_table(&pairs);
        if set.is_err() {
            pairs.pop();
        }
        set
    }

    /// Reads all files again, and uses each pair that is usable for the handshakes from now on.
    ///
    /// ```
    /// use h2_sync::tls::Certificates;
    ///
    /// /// For a program that gets a signal when the files have changed.
    /// fn renewed(certificates: &Certificates) {
    ///     if let Err(error) = certificates.reload() {
    ///         eprintln!("the previous certificates stay in use: {error}");
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the first pair that is unusable, which is also logged. Its previous content
    /// stays in use; the other pairs are replaced.
    pub fn reload(&self) -> Result<(), Error> {
        self.shared.reload(|_| true)
    }

    /// Starts a thread that checks the modification times and lengths of the files at this
    /// interval, and reloads the pairs that have changed. It ends when the returned value is
    /// dropped.
    ///
    /// A check costs one `stat` for each file. An unusable pair is read again at each check until
    /// it is usable; the same error is logged once.
    ///
    /// # Errors
    ///
    /// If the interval is zero, or the thread cannot be started.
    pub fn watch(&self, interval: Duration) -> Result<CertificateWatch, Error> {
        if interval.is_zero() {
            return Err(Error::usage("the interval for checking certificates is zero"));
        }
        let (stop, stopped) = mpsc::channel::<()>();
        let shared = Arc::clone(&self.shared);
        let watch = move || {
            while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                // The error is logged.
                let _ = shared.reload(Pair::has_changed);
            }
        };
        let builder = thread::Builder::new().name("h2-sync-certificates".to_owned());
        builder.spawn(watch).map_err(Error::thread)?;
        Ok(CertificateWatch { _stop: stop })
    }
}

impl Shared {
    /// Reads the files of the pairs that are `wanted`. Returns the first error.
    fn reload(&self, wanted: impl Fn(&Pair) -> bool) -> Result<(), Error> {
        let mut pairs = self.pairs.lock();
        let mut result = Ok(());
        let mut is_changed = false;
        for pair in pairs.iter_mut().filter(|pair| wanted(pair)) {
            match pair.reload() {
                Ok(()) => is_changed = true,
                Err(error) => result = result.and(Err(error)),
            }
        }
        if is_changed {
            result = result.and(self.set_table(&pairs));
        }
        result
    }

    fn set_table(&self, pairs: &[Pair]) -> Result<(), Error> {
        let table = Arc::new(Table::of(pairs)?);
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = table;
        Ok(())
    }

    fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for Shared {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.table().find(hello.server_name()))
    }
}

impl Pair {
    fn read(chain: &Path, key: &Path) -> Result<Self, Error> {
        // Before the files are read, so that a later change is noticed.
        let stamps = [stamp(chain), stamp(key)];
        let (chain_text, key_text) =
            (pem::read("the certificate chain", chain)?, pem::read("the private key", key)?);
        let certified = key_pair::parse(
            &Pem { text: &chain_text, name: format!("the certificate chain {}", chain.display()) },
            &Pem { text: &key_text, name: format!("the private key {}", key.display()) },
        )?;
        names(&certified)?;
        let (chain, key) = (chain.to_owned(), key.to_owned());
        Ok(Pair { chain, key, certified: Arc::new(certified), stamps, failure: None })
    }

    fn reload(&mut self) -> Result<(), Error> {
        match Pair::read(&self.chain, &self.key) {
            Ok(pair) => {
                *self = pair;
                logging::line!(Info, "the certificate chain {} is reloaded", self.chain.display());
                Ok(())
            }
            Err(error) => {
                let text = error.to_string();
                if self.failure.as_ref() != Some(&text) {
                    logging::error!("a certificate is not reloaded, its old one stays: {text}");
                    self.failure = Some(text);
                }
                Err(error)
            }
        }
    }

    fn has_changed(&self) -> bool {
        self.failure.is_some() || self.stamps != [stamp(&self.chain), stamp(&self.key)]
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

impl Table {
    fn of(pairs: &[Pair]) -> Result<Self, Error> {
        let mut names_of_all = HashMap::new();
        for pair in pairs {
            for name in names(&pair.certified)? {
                names_of_all.entry(name).or_insert_with(|| Arc::clone(&pair.certified));
            }
        }
        let nothing = || Failure::new("no certificate").into_error(ErrorKind::Caller);
        let default = Arc::clone(&pairs.first().ok_or_else(nothing)?.certified);
        Ok(Table { default, names: names_of_all })
    }

    fn find(&self, name: Option<&str>) -> Arc<CertifiedKey> {
        let named = name.and_then(|name| {
            let name = name.to_ascii_lowercase();
            let exact = self.names.get(&name);
            exact.or_else(|| self.names.get(&format!("*.{}", name.split_once('.')?.1)))
        });
        Arc::clone(named.unwrap_or(&self.default))
    }
}

/// Returns the DNS names of a certificate in lower case.
fn names(certified: &CertifiedKey) -> Result<Vec<String>, Error> {
    let Some(certificate) = certified.cert.first() else { return Ok(Vec::new()) };
    let parsed = webpki::EndEntityCert::try_from(certificate).map_err(|error| {
        let what = format!("a certificate is damaged: {error}");
        Failure::new(what).caused_by(error).into_error(ErrorKind::Caller)
    })?;
    Ok(parsed.valid_dns_names().map(str::to_ascii_lowercase).collect())
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}

/// Omits the private keys.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table();
        let names: Vec<_> = table.names.keys().collect();
        f.debug_struct("Certificates").field("names", &names).finish_non_exhaustive()
    }
}

impl fmt::Debug for CertificateWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateWatch").finish_non_exhaustive()
    }
}
