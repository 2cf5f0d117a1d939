//! Locks, condition variables, channels and atomics that the model checker sees.

mod condvar;
pub mod mpsc;
mod mutex;
mod once_lock;
mod waiter;

pub use ::std::sync::*;

pub use condvar::{Condvar, WaitTimeoutResult};
pub use mutex::{Mutex, MutexGuard};
pub use once_lock::OnceLock;
pub(crate) use waiter::Waiter;

pub mod atomic {
    //! All orderings are as strong as `SeqCst` here.
    pub use shuttle::sync::atomic::*;
}
