//! A well-behaved client that must be served during attacks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use h2_sync::client::Client;
use h2_sync::server::{Handle, Server};

use crate::client_stage::client;
use crate::support::eventually;
use crate::victim::hello;

/// A client with a separate connection, which repeats a request on its own thread. A missing
/// response, or one with another status than 200, fails the test.
pub(crate) struct Neighbour {
    served: Arc<AtomicUsize>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Neighbour {
    /// Starts, and returns after the first response.
    pub(crate) fn of(url: &str) -> Self {
        Neighbour::with(client(|_| {}), url)
    }

    /// Like `of`, with a client that is also used for something else.
    pub(crate) fn with(client: Client, url: &str) -> Self {
        let served = Arc::new(AtomicUsize::new(0));
        let ends = Arc::new(AtomicBool::new(false));
        let (count, is_over, url) = (Arc::clone(&served), Arc::clone(&ends), url.to_owned());
        let thread = thread::spawn(move || {
            while !is_over.load(Ordering::SeqCst) {
                let response = client.get(&*url).send().expect("the neighbour must be served");
                assert_eq!(response.status(), 200);
                response.bytes().expect("the neighbour must be served");
                count.fetch_add(1, Ordering::SeqCst);
                // A low request rate is enough.
                thread::park_timeout(Duration::from_millis(1));
            }
        });
        let neighbour = Neighbour { served, ends, thread: Some(thread) };
        neighbour.is_served();
        neighbour
    }

    /// Waits for the response to a request that begins after this call. For use during an attack.
    #[track_caller]
    pub(crate) fn is_served(&self) {
        // One request may already be in progress.
        let wanted = self.served.load(Ordering::SeqCst) + 2;
        eventually(|| {
            let is_over = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
            is_over || self.served.load(Ordering::SeqCst) >= wanted
        });
        assert!(self.served.load(Ordering::SeqCst) >= wanted, "the neighbour is not served");
    }

    /// The number of responses so far.
    pub(crate) fn count(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }

    /// Waits for one more response and stops. All requests must have been answered.
    #[track_caller]
    pub(crate) fn was_served(mut self) {
        self.is_served();
        self.end().expect("the neighbour must be served");
    }

    fn end(&mut self) -> thread::Result<()> {
        self.ends.store(true, Ordering::SeqCst);
        self.thread.take().map_or(Ok(()), JoinHandle::join)
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        // The test has already failed for another reason, or fails here.
        let _ = self.end();
    }
}

/// A well-behaved server for a client under attack, and its URL.
pub(crate) fn honest_server() -> (Handle, String) {
    let handle = Server::bind("127.0.0.1:0").unwrap().serve(hello).unwrap();
    let url = format!("http://{}/", handle.local_addr().unwrap());
    (handle, url)
}

#[test]
fn the_helpers_work() {
    use crate::memory::measured;
    use crate::support::{Flood, Peer, listener};
    use crate::victim::{Victim, get};

    measured(|memory| {
        let victim = Victim::hello();
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        let measured = memory.start();
        assert_eq!(peer.fetch(&get("/")), (200, b"hello".to_vec()));
        assert_eq!(peer.flood([b"\0\0\x08\x06\0\0\0\0\0pingping"; 50]), Flood::Whole);
        peer.synchronize();
        measured.assert_peak(crate::memory::MIB);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
        assert!(victim.begun() >= 1 && victim.most_at_once() >= 1);

        let (listener, url) = listener();
        let asks = thread::spawn(move || client(|_| {}).get(&*url).send().unwrap().text());
        let mut peer = Peer::accept(&listener);
        let (stream_id, fields) = peer.receive_headers();
        assert_eq!(fields.get(":method"), Some("GET"));
        peer.answer(stream_id, 200, "hello");
        assert_eq!(asks.join().unwrap().unwrap(), "hello");
    });
}
