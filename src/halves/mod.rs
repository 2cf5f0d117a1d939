//! The two halves of an exchange, whichever version of HTTP it is in: what the server and the client
//! hand to the application.

mod either;
mod recv;
mod send;

pub use recv::RecvHalf;
pub use send::SendHalf;
pub(crate) use send::Versioned;

pub use crate::exchange::TrySendError;
