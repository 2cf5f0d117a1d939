//! The client: calls over a [`Channel`].
//!
//! Generated clients have a method for each method of the service:
//!
//! | the method | the call gives |
//! | --- | --- |
//! | unary | a [`Response`], once it is there |
//! | server streaming | a [`Receiver`], once the header section of the response is there |
//! | client streaming | a [`Sender`], and a [`Reply`] to wait for |
//! | bidirectional | a [`Sender`] and a [`Receiver`], which two threads may use |
//!
//! # Time
//!
//! A call without a deadline waits for ever. [`CallOptions::timeout`] gives it one, which goes to the
//! server as well. When it passes, the call ends with
//! [`DeadlineExceeded`](crate::Code::DeadlineExceeded), whatever the server does.
//!
//! # Cancelling
//!
//! Dropping a [`Sender`] before [`finish`](Sender::finish), a [`Receiver`] before its end or a
//! [`Reply`] cancels the call. A [`CancelHandle`] does it from another thread, at any step, also of a
//! unary call.
//!
//! # What is called twice, and what is not
//!
//! A call that the server has certainly not processed is repeated by the client below (see
//! [`h2_sync::client`]): there was no connection, or the server refused the stream or went away before
//! it. That holds for unary and server streaming calls. Others are only repeated where there was no
//! connection, since their messages are not kept. A [`RetryPolicy`] repeats unary and server streaming
//! calls that the server may have processed.

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
