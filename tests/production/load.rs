//! Clients that send requests all the time and must not see an error.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use h2_sync::client::{Client, Config};

use crate::process::{answer, ask};

/// The load, until it is ended.
pub(crate) struct Load {
    is_over: Arc<AtomicBool>,
    /// The number of requests that were answered.
    answered: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts clients with a connection for each request, with a pool in HTTP/1.1, and in HTTP/2.
    pub(crate) fn on(address: SocketAddr) -> Self {
        let mut load =
            Load { is_over: Arc::default(), answered: Arc::default(), threads: Vec::new() };
        for _ in 0..2 {
            load.start(move || drop(answer(ask(address))));
        }
        for prior_knowledge in [false, true] {
            let mut config = Config::default();
            config.prior_knowledge = prior_knowledge;
            let (client, url) =
                (Client::with_config(config).unwrap(), format!("http://{address}/"));
            for _ in 0..2 {
                let (client, url) = (client.clone(), url.clone());
                load.start(move || {
                    let response = client.get(&*url).send().unwrap();
                    assert_eq!(response.status(), 200);
                    response.text().unwrap();
                });
            }
        }
        load
    }

    fn start(&mut self, mut request: impl FnMut() + Send + 'static) {
        let (is_over, answered) = (Arc::clone(&self.is_over), Arc::clone(&self.answered));
        self.threads.push(thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                request();
                answered.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }

    /// The number of requests that were answered.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Ends it, and fails if a request has.
    pub(crate) fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("no request fails");
        }
    }
}
