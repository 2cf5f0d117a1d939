//! Many threads on one connection.

use std::io::Write;
use std::thread;

use crate::support::{bounded, client, serve};

/// The full run, by hand: `H2_SYNC_CROWD=64x10000`.
fn size() -> (usize, usize) {
    let size = std::env::var("H2_SYNC_CROWD").unwrap_or("16x100".to_owned());
    let (threads, requests) = size.split_once('x').unwrap();
    (threads.parse().unwrap(), requests.parse().unwrap())
}

#[test]
fn every_answer_belongs_to_its_request() {
    bounded(|| {
        let server = serve(|request, response| {
            let path = request.path().to_owned();
            response.write_all(path.as_bytes())
        });
        let client = client();
        let (threads, requests) = size();
        let threads: Vec<_> = (0..threads)
            .map(|n| {
                let (client, url) = (client.clone(), server.url.clone());
                thread::spawn(move || {
                    for m in 0..requests {
                        let path = format!("/{n}/{m}");
                        let response = client.get(format!("{url}{path}")).send().unwrap();
                        assert_eq!(response.text().unwrap(), path);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(client.connections().len(), 1);
        assert_eq!(client.connections()[0].open_streams(), 0);
    });
}
