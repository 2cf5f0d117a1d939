//! Failing transports: at each call in turn, at each octet, with correct and incorrect results.
//! Each call of the application returns, with an answer or an error that names the cause; the last
//! event comes once; and neither threads nor parts of the transport are left.
#![cfg(test)]

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
mod over_tls;
mod relay;
mod secure;
mod sockets;
mod steps;
mod sweep;
#[path = "../support/thread_names.rs"]
mod thread_names;
mod upgraded;
