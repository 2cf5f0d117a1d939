//! The client: calls over a [`Channel`].
//!
//! A generated client has a function for each method of the service:
//!
//! | method | the function returns |
//! | --- | --- |
//! | unary | a [`Response`], after it has arrived |
//! | server streaming | a [`Receiver`], after the header section of the response has arrived |
//! | client streaming | a [`Sender`], and a [`Reply`] to wait for |
//! | bidirectional | a [`Sender`] and a [`Receiver`], for one thread or two |
//!
//! A dialogue, with the client of `rpc Talk (stream Text) returns (stream Text)`:
//!
//! ```ignore
//! let (mut send, mut receive) = echo.talk()?;
//! send.send(&Text { text: "one".into() })?;
//! println!("{:?}", receive.receive()?); // the answer, while the request goes on
//! send.finish()?;
//! while let Some(text) = receive.receive()? {
//!     println!("{text:?}");
//! }
//! ```
//!
//! # Deadlines
//!
//! A call without a deadline waits indefinitely. [`CallOptions::timeout`] sets a deadline, which is
//! also sent to the server. When it passes, the call ends with
//! [`DeadlineExceeded`](crate::Code::DeadlineExceeded), even if the server does not respond. Each
//! generated client has a function `with` for options:
//!
//! ```ignore
//! let options = CallOptions::new().timeout(Duration::from_secs(2));
//! let reply = greeter.with(options).say_hello(&request)?;
//! ```
//!
//! # Cancelling
//!
//! A call is cancelled by dropping its [`Sender`] before [`finish`](Sender::finish), its
//! [`Receiver`] before its end, or its [`Reply`]. A [`CancelHandle`] cancels calls of any kind from
//! another thread, at any time.
//!
//! # Retries
//!
//! Unary and server streaming calls are repeated automatically if the server has certainly not
//! processed them: there was no connection, the stream was refused, or the connection ended before
//! the server saw it (see [`h2_sync::client`]). Other calls are repeated only if no connection
//! could be made, since their messages are not kept. A [`RetryPolicy`] also repeats unary and
//! server streaming calls that the server may have processed.

mod absence;
mod builder;
mod channel;
mod inbound;
mod options;
mod receiver;
mod response;
mod retry;
mod sender;
mod start;
mod stub;

pub use builder::{CallStart, ChannelBuilder};
pub use channel::Channel;
pub use options::CallOptions;
pub use receiver::{Receiver, Reply};
pub use response::Response;
pub use retry::RetryPolicy;
pub use sender::Sender;
pub use stub::Stub;

pub use h2_sync::client::CancelHandle;
