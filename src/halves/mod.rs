//! The receiving and sending halves of an exchange in either version of HTTP, as server and client
//! pass them to the application.

mod either;
mod recv;
mod send;

pub use recv::RecvHalf;
pub use send::SendHalf;
pub(crate) use send::Versioned;

pub use crate::exchange::TrySendError;
