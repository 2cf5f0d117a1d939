//! Byte streams that two threads can use at the same time.
//!
//! HTTP/2 reads and writes concurrently: while one thread waits for the peer's next frame, another
//! may have frames to send. Two threads cannot share a plain [`Read`] + [`Write`], whose methods
//! take `&mut self`. So a connection takes a [`Transport`], which splits into a reader, a writer,
//! and a [`Closer`] that closes both from any thread.
//!
//! ```text
//!                        ┌── reader ──▶  the thread that reads
//!  TcpStream, … ─ split ─┼── writer ──▶  the thread that writes
//!                        └── closer ──▶  any thread: close() wakes both
//! ```
//!
//! # Which transport to use
//!
//! | stream | transport |
//! | --- | --- |
//! | `TcpStream` | itself |
//! | `UnixStream` | itself |
//! | two one-way streams: pipes, a child's stdin and stdout | the tuple `(reader, writer)`, or [`Pair`] with a way to close them |
//! | tests, or both peers in one process | [`duplex`] |
//! | a socket type `S` with `&S: Read + Write` | [`Halves::sharing`] |
//! | other `Read + Write` types: `native_tls`, `ssh2`, a serial port | [`Shared`] |
//!
//! # The contract
//!
//! See the [`Transport`] trait. One part is unusual: a read or write may [give up](gave_up), and is
//! then repeated. A writer that could block without limit should give up from time to time.
//!
//! # Examples
//!
//! ```
//! use std::io::{Read, Write};
//! use std::thread;
//!
//! use h2_sync::transport::{duplex, Halves, Transport};
//!
//! # fn main() -> std::io::Result<()> {
//! let (ours, mut theirs) = duplex(1024);
//! let Halves { mut reader, mut writer, closer } = ours.split()?;
//!
//! // This thread waits for bytes …
//! let waiting = thread::spawn(move || {
//!     let mut text = String::new();
//!     reader.read_to_string(&mut text).map(|_| text)
//! });
//! // … while this one writes, and the peer answers.
//! writer.write_all(b"ping")?;
//! let mut ping = [0; 4];
//! theirs.read_exact(&mut ping)?;
//! theirs.write_all(b"pong")?;
//! drop(theirs);
//!
//! assert_eq!(waiting.join().unwrap()?, "pong");
//! closer.close()?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Read`]: std::io::Read
//! [`Write`]: std::io::Write

mod closer;
mod duplex;
mod epoll;
mod halves;
mod in_turns;
mod pair;
mod pipe;
mod readiness;
mod shared;
mod tcp;
mod turns;
#[cfg(unix)]
mod unix;

pub use self::closer::Closer;
pub use self::duplex::{Duplex, duplex};
pub(crate) use self::epoll::Epoll;
pub use self::halves::{Halves, ReadHalf, Transport, WRITE_TICK, WriteHalf, gave_up};
pub use self::pair::Pair;
pub use self::shared::{Shared, SharedReader, SharedWriter};

#[cfg(test)]
mod tests;
