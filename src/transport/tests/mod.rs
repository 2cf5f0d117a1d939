//! Tests of the transports against their common contract.

mod closing;
mod duplex;
mod exchange;
mod preparing;
mod shared;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use super::gave_up;

/// The two ends of a TCP connection over loopback.
fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (theirs, _) = listener.accept().unwrap();
    (ours, theirs)
}

/// Reads once, and repeats the call whenever the reader gives up.
fn read(reader: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buf) {
            Err(error) if gave_up(&error) => {}
            result => return result,
        }
    }
}

/// Reads until `buf` is full, and repeats calls whenever the reader gives up.
fn read_exact(reader: &mut impl Read, mut buf: &mut [u8]) {
    while !buf.is_empty() {
        let n = read(reader, buf).unwrap();
        assert!(n > 0, "the stream ended early");
        buf = &mut buf[n..];
    }
}

/// Writes all of `bytes`, and repeats calls whenever the writer gives up.
fn write_all(writer: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match writer.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => bytes = &bytes[n..],
            Err(error) if gave_up(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes until the stream fails.
fn write_for_ever(writer: &mut impl Write) -> io::Error {
    loop {
        if let Err(error) = write_all(writer, &[0x5a; 64 * 1024]) {
            return error;
        }
    }
}
