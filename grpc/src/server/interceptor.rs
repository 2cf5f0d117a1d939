//! Interceptors of a server.

use std::fmt;
use std::sync::Arc;

use super::context::Context;
use crate::status::Status;

/// A function that runs around each call.
pub(super) type Interceptor =
    Arc<dyn Fn(&mut Context, Next<'_>) -> Result<(), Status> + Send + Sync>;

/// The rest of a call, for an interceptor: the interceptors after it, and the method.
///
/// ```
/// use std::time::Instant;
///
/// use h2_sync_grpc::server::{Context, Next, Services};
/// use h2_sync_grpc::Status;
///
/// fn timed(cx: &mut Context, next: Next<'_>) -> Result<(), Status> {
///     let start = Instant::now();
///     let outcome = next.run(cx);
///     println!("{} took {:?}", cx.path(), start.elapsed());
///     outcome
/// }
///
/// let services = Services::new().intercept(timed);
/// ```
pub struct Next<'a> {
    interceptors: &'a [Interceptor],
    method: &'a mut dyn FnMut(&Context) -> Result<(), Status>,
}

impl<'a> Next<'a> {
    pub(super) fn new(
        interceptors: &'a [Interceptor],
        method: &'a mut dyn FnMut(&Context) -> Result<(), Status>,
    ) -> Self {
        Next { interceptors, method }
    }

    /// Runs the rest of the call and returns its outcome.
    ///
    /// # Errors
    ///
    /// The status of the call.
    pub fn run(self, cx: &mut Context) -> Result<(), Status> {
        let Next { interceptors, method } = self;
        match interceptors.split_first() {
            Some((first, rest)) => first(cx, Next::new(rest, method)),
            None => method(cx),
        }
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").finish_non_exhaustive()
    }
}
