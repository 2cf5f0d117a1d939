//! The server: services behind one handler.
//!
//! A service is a trait with plain methods, which `h2-sync-grpc-build` makes out of a `.proto` file.
//! [`Services`] is the handler for [`h2_sync::server::Server`]; other requests can share its port.
//!
//! | the method | gets | returns |
//! | --- | --- | --- |
//! | unary | a message | a message |
//! | server streaming | a message, and a [`Sender`] | when it has sent all |
//! | client streaming | a [`Receiver`] | a message |
//! | bidirectional | both | when it has sent all |
//!
//! Each call has a thread while its method runs, so a method may block as it likes. The
//! [`Context`] tells until when, and whether the client still waits.
//!
//! # When it goes wrong
//!
//! | what happens | what the client gets |
//! | --- | --- |
//! | the method returns a [`Status`](crate::Status) | that status |
//! | the method panics | [`Internal`](crate::Code::Internal); other calls are not concerned |
//! | the deadline passes | [`DeadlineExceeded`](crate::Code::DeadlineExceeded), once the method returns |
//! | there is no such method | [`Unimplemented`](crate::Code::Unimplemented) |
//! | a message is too large, or inflates to too much | [`ResourceExhausted`](crate::Code::ResourceExhausted) |
//! | a message is malformed or cut | [`Internal`](crate::Code::Internal) |
//! | the encoding of a message is not known | [`Unimplemented`](crate::Code::Unimplemented), and `grpc-accept-encoding` |
//! | the request is not one of gRPC | 405, 415 or 505 |

mod call;
mod context;
mod interceptor;
mod receiver;
mod reply;
mod sender;
mod services;

pub use call::Call;
pub use context::Context;
pub use interceptor::Next;
pub use receiver::Receiver;
pub use sender::Sender;
pub use services::{Service, Services};
