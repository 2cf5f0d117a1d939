//! Writes to a peer that does not read: they give up, and lose nothing.

use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use h2_sync::transport::{Duplex, Halves, ReadHalf, Transport, WriteHalf, duplex, gave_up};

use crate::support::*;

/// A pipe whose writes give up soon, so that tests need not wait.
struct Impatient(Duplex);

impl Transport for Impatient {
    type Reader = ReadHalf<Duplex>;
    type Writer = WriteHalf<Duplex>;

    fn split(self) -> io::Result<Halves<Self::Reader, Self::Writer>> {
        self.0.set_write_timeout(Some(Duration::from_millis(1)))?;
        self.0.split()
    }
}

fn pair(capacity: usize) -> (Impatient, Impatient) {
    let (near, far) = duplex(capacity);
    (Impatient(near), Impatient(far))
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n % 251) as u8).collect()
}

#[test]
fn writes_that_give_up_lose_nothing() {
    bounded(|| {
        let (client, mut server) = connected(pair(10_000));
        let Halves { reader: _reader, mut writer, closer } = client.split().unwrap();
        let all = pattern(3 << 20);
        let mut written = 0;
        let mut gave_ups = 0;
        // The peer does not read yet: after some writes the stream gives up, and continues to do
        // so.
        while gave_ups < 3 {
            match writer.write(&all[written..]) {
                Ok(n) => written += n,
                Err(error) if gave_up(&error) => gave_ups += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(gave_up(&writer.flush().unwrap_err()));
        // The amount accepted without being read is bounded.
        assert!(written <= 300 << 10, "{written}");

        let expected = all.clone();
        let reading = thread::spawn(move || {
            let mut heard = Vec::new();
            server.read_to_end(&mut heard).unwrap();
            assert!(heard == expected, "{} octets", heard.len());
        });
        while written < all.len() {
            match writer.write(&all[written..]) {
                Ok(n) => written += n,
                Err(error) => assert!(gave_up(&error), "{error}"),
            }
        }
        while let Err(error) = writer.flush() {
            assert!(gave_up(&error), "{error}");
        }
        closer.shutdown_write().unwrap();
        reading.join().unwrap();
    });
}

#[test]
fn close_notify_follows_pending_data() {
    bounded(|| {
        let (client, mut server) = connected(pair(1000));
        let Halves { reader: _reader, mut writer, closer } = client.split().unwrap();
        let all = pattern(10_000);
        assert_eq!(writer.write(&all).unwrap(), all.len());
        // There is no room for close_notify yet.
        closer.shutdown_write().unwrap();
        assert_eq!(writer.write(b"more").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        let reading = thread::spawn(move || {
            let mut heard = Vec::new();
            server.read_to_end(&mut heard).map(|_| heard)
        });
        while let Err(error) = writer.flush() {
            assert!(gave_up(&error), "{error}");
        }
        assert!(reading.join().unwrap().unwrap() == all);
    });
}

#[test]
fn closing_ends_a_blocked_writer() {
    bounded(|| {
        let (client, _server) = connected(duplex(1000));
        let Halves { reader, mut writer, closer } = client.split().unwrap();
        let writing = thread::spawn(move || {
            loop {
                match writer.write(&[0; 1 << 16]) {
                    Err(error) if !gave_up(&error) => return error,
                    _ => {}
                }
            }
        });
        closer.close().unwrap();
        assert_eq!(writing.join().unwrap().kind(), io::ErrorKind::BrokenPipe);
        drop(reader);
    });
}

#[test]
fn small_buffers_share_a_record() {
    bounded(|| {
        let (near, mut far) = tcp();
        let (connector, acceptor) = ends();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let server = thread::spawn(move || {
            let mut tls: h2_sync::tls::rustls::Connection =
                h2_sync::tls::rustls::ServerConnection::new(acceptor.config().clone())
                    .unwrap()
                    .into();
            shake_by_hand(&mut tls, &far);
            ready.send(()).unwrap();
            let mut octets = Vec::new();
            far.read_to_end(&mut octets).unwrap();
            octets
        });
        let mut client = connector.connect(NAME, near, LONG).unwrap();
        is_ready.recv().unwrap();
        let bufs: Vec<_> = [&[1; 9][..], &[2; 100], &[3; 9], &[4; 1000]].map(IoSlice::new).into();
        assert_eq!(client.write_vectored(&bufs).unwrap(), 1118);
        drop(client);
        let octets = server.join().unwrap();
        // One record with data, and one with close_notify.
        let records = [&octets[..], &octets[5 + 1118 + 17..]];
        assert_eq!(records.map(|record| record[0]), [23, 23]);
        assert_eq!(octets[3..5], [4, 111], "1,118 octets, their type and the tag");
        assert_eq!(records[1].len(), 5 + 2 + 17);
    });
}

#[test]
fn a_blocked_read_does_not_block_a_write() {
    bounded(|| {
        let (client, mut server) = connected(duplex(1 << 16));
        let Halves { mut reader, mut writer, closer: _closer } = client.split().unwrap();
        let mut echo = [0; 4];
        // The reader waits in the transport for the answer to the write below.
        let reading = thread::spawn(move || reader.read_exact(&mut echo).map(|()| echo));
        writer.write_all(b"ping").unwrap();
        let mut heard = [0; 4];
        server.read_exact(&mut heard).unwrap();
        server.write_all(&heard).unwrap();
        assert_eq!(&reading.join().unwrap().unwrap(), b"ping");
    });
}

#[test]
fn a_read_timeout_passes_through() {
    bounded(|| {
        let (mut client, mut server) = connected(tcp());
        let timeout = Some(Duration::from_millis(1));
        assert!(client.closer().set_read_timeout(timeout).unwrap());
        assert!(gave_up(&client.read(&mut [0; 9]).unwrap_err()));
        assert!(client.closer().set_read_timeout(None).unwrap());
        talk(&mut client, &mut server);
    });
}

/// A peer that sends only empty records.
#[test]
fn empty_records_do_not_extend_a_read_timeout() {
    bounded(|| {
        let (mut tls, near, mut server) = connected_by_hand();
        assert!(server.closer().set_read_timeout(Some(LONG)).unwrap());
        tls.refresh_traffic_keys().unwrap();
        tls.complete_io(&mut &near).unwrap();
        // The timeout of a single socket read has not expired yet.
        let error = server.read(&mut [0; 9]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
        tls.writer().write_all(b"there").unwrap();
        tls.complete_io(&mut &near).unwrap();
        let mut heard = [0; 5];
        server.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"there");
    });
}

/// A transport that accepts single octets once it is told to.
struct Morsels {
    stream: Duplex,
    is_slow: Arc<AtomicBool>,
}

struct MorselsWriter {
    writer: WriteHalf<Duplex>,
    is_slow: Arc<AtomicBool>,
}

impl Transport for Morsels {
    type Reader = ReadHalf<Duplex>;
    type Writer = MorselsWriter;

    fn split(self) -> io::Result<Halves<Self::Reader, Self::Writer>> {
        let Halves { reader, writer, closer } = self.stream.split()?;
        Ok(Halves { reader, writer: MorselsWriter { writer, is_slow: self.is_slow }, closer })
    }
}

impl Write for MorselsWriter {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let most = if self.is_slow.load(Ordering::SeqCst) { 1 } else { octets.len() };
        self.writer.write(&octets[..most.min(octets.len())])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[test]
fn a_peer_that_reads_single_octets_blocks_neither_a_write_nor_a_shutdown() {
    bounded(|| {
        let (near, far) = duplex(1 << 16);
        let is_slow = Arc::new(AtomicBool::new(false));
        let slow = |stream| Morsels { stream, is_slow: Arc::clone(&is_slow) };
        let (client, mut server) = connected((slow(near), slow(far)));
        let Halves { reader: _reader, mut writer, closer } = client.split().unwrap();
        is_slow.store(true, Ordering::SeqCst);
        let all = pattern(1000);
        assert_eq!(writer.write(&all).unwrap(), all.len());
        assert!(gave_up(&writer.flush().unwrap_err()));
        closer.shutdown_write().unwrap();
        // It returned before everything was written.
        assert!(gave_up(&writer.flush().unwrap_err()));
        while let Err(error) = writer.flush() {
            assert!(gave_up(&error), "{error}");
        }
        let mut heard = Vec::new();
        server.read_to_end(&mut heard).unwrap();
        assert!(heard == all);
    });
}

/// No writer is left to write the rest, and the peer must not wait for it.
#[test]
fn dropping_a_blocked_writer_ends_its_direction() {
    bounded(|| {
        let (client, mut server) = connected(pair(1000));
        let Halves { reader, mut writer, closer: _closer } = client.split().unwrap();
        assert_eq!(writer.write(&pattern(10_000)).unwrap(), 10_000);
        drop(writer);
        let error = server.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        drop(reader);
    });
}
