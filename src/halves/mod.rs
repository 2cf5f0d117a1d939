//! The receiving and sending halves of an exchange in either version of HTTP, as server and client
//! pass them to the application.

mod either;
mod recv;
mod send;
mod send_internal;

pub use recv::RecvHalf;
pub(crate) use send::EndedAt;
pub use send::SendHalf;
pub(crate) use send_internal::Versioned;

pub use crate::exchange::TrySendError;
