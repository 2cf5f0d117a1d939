//! std's, which does not know the threads of a model.

pub use ::std::panic::*;

use crate::thread;

pub fn catch_unwind<F: FnOnce() -> R + UnwindSafe, R>(call: F) -> ::std::thread::Result<R> {
    let result = ::std::panic::catch_unwind(call);
    if result.is_err() {
        thread::end_unwinding();
    }
    result
}
