//! The input after the header section of a request.

use crate::halves::RecvHalf;

/// The input after the header section.
pub(super) enum Incoming {
    /// None: the usual case.
    Nothing,
    Octets(RecvHalf),
    /// Taken by `take_body`, `split` or `upgrade`.
    Taken,
}
