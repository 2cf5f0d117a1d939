//! HTTP/2 without a network: a client, and a server in a child process.
//! It shows that a connection runs on any pair of pipes.
//!
//! ```text
//! cargo run --example over_child_process -- [WORD...]
//!
//!   this process                                 the same program again
//!   Session (client) ── the child's stdin ─────▶ Session (server)
//!                    ◀─ the child's stdout ───── responds in capital letters
//! ```
//!
//! A connection needs a reader and a writer, not a socket. Over two pipes, a program and its helper
//! get all features of HTTP/2: concurrent exchanges, flow control, cancellation, and an orderly
//! end. (With `ssh HOST`, the helper can run on another machine.)
//!
//! `RUST_LOG=h2_sync::frames=trace` prints the frames of both sides.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::io;
use std::net::Shutdown;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use h2_sync::transport::{Closer, Pair};
use h2_sync::{Act, Evt, Reason, StreamId, headers, new_connection};

const HELP: &str = "\
Sends each word to a child process over HTTP/2, and prints the responses.

usage: over_child_process [WORD...]
";

/// The argument that makes this program the server.
const CHILD: &str = "--child";

fn main() -> Result<(), Box<dyn Error>> {
    env_logger::init();
    let words: Vec<String> = env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some(CHILD) => serve(),
        Some("-h" | "--help") => {
            print!("{HELP}");
            Ok(())
        }
        Some(_) => ask(&words),
        None => ask(&["hello".into(), "child".into()]),
    }
}

/// The parent: sends all words concurrently, and prints the responses as they complete.
fn ask(words: &[String]) -> Result<(), Box<dyn Error>> {
    let mut command = Command::new(env::current_exe()?);
    let command = command.arg(CHILD).stdin(Stdio::piped()).stdout(Stdio::piped());
    let session = new_connection(over_child(command.spawn()?)?, true, false)?;

    let request = headers!(
        ":method" => "POST", ":scheme" => "http", ":authority" => "child", ":path" => "/",
    );
    let mut answers: BTreeMap<StreamId, Vec<u8>> = BTreeMap::new();
    for word in words {
        let stream_identifier = session.open(&request, false)?;
        let data = word.clone().into();
        session.put_act(Act::SendData { stream_identifier, data, is_end_stream: true })?;
        answers.insert(stream_identifier, Vec::new());
    }
    while !answers.is_empty() {
        match session.take_evt()? {
            Evt::RecvData { stream_identifier, data, is_end_stream } => {
                let answer = answers.entry(stream_identifier).or_default();
                answer.extend_from_slice(&data);
                if is_end_stream {
                    println!("stream {stream_identifier}: {}", String::from_utf8_lossy(answer));
                    answers.remove(&stream_identifier);
                }
            }
            Evt::Reset { error_code, .. } => return Err(format!("reset: {error_code}").into()),
            Evt::Closed { reason } => return Err(format!("closed: {reason:?}").into()),
            _ => {}
        }
    }
    // Sends GOAWAY and closes the child's stdin.
    session.close();
    Ok(())
}

/// The child's stdout and stdin as one stream.
fn over_child(mut child: Child) -> io::Result<Pair<ChildStdout, ChildStdin>> {
    let (Some(stdout), Some(stdin)) = (child.stdout.take(), child.stdin.take()) else {
        return Err(io::Error::other("the child's stdin and stdout are not pipes"));
    };
    // A thread that is blocked in a pipe is only woken when the process at the other end ends. A
    // plain pair, `(stdout, stdin)`, would also work, but a child that hangs would keep a thread of
    // this process.
    let child = Mutex::new(child);
    let closer = Closer::new(move |how| match how {
        Shutdown::Both => {
            let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
            // The child has usually exited by itself.
            child.kill()?;
            child.wait().map(drop)
        }
        // The child reads the end of its stdin when our writer is dropped.
        _ => Ok(()),
    });
    Ok(Pair::with_closer(stdout, stdin, closer))
}

/// The child: returns each piece of a body in capital letters, until its stdin ends. It must not
/// print anything else, since stdout is the connection.
fn serve() -> Result<(), Box<dyn Error>> {
    let session = new_connection((io::stdin(), io::stdout()), false, false)?;
    while let Ok(evt) = session.take_evt() {
        match evt {
            Evt::RecvHeaders { stream_identifier, is_end_stream, .. } => {
                let headers = headers!(":status" => "200");
                session.put_act(Act::SendHeaders { stream_identifier, headers, is_end_stream })?;
            }
            Evt::RecvData { stream_identifier, data, is_end_stream } => {
                let data = data.to_ascii_uppercase().into();
                session.put_act(Act::SendData { stream_identifier, data, is_end_stream })?;
            }
            Evt::Closed { reason: Reason::Error(error) } => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}
