//! A transport that fails: at every call in turn, at every octet, honestly and not. Whatever it does,
//! every call of the application's ends, with an answer or with an error that says what happened;
//! the last event comes once; and no thread, and nothing of the transport, is left.

mod calls;
mod crowd;
mod drivers;
mod events;
mod exchange;
mod faulty;
mod handlers;
mod honest;
mod leaks;
mod mixed;
mod odd;
#[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
mod over_tls;
mod relay;
mod secure;
mod sockets;
mod steps;
mod sweep;
mod upgraded;
