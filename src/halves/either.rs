//! A value for either version of HTTP.

pub(crate) enum Either<A, B> {
    Http2(A),
    Http1(B),
}

/// Calls a method that both variants have.
macro_rules! either {
    ($value:expr, $it:ident => $call:expr) => {
        match $value {
            $crate::halves::either::Either::Http2($it) => $call,
            $crate::halves::either::Either::Http1($it) => $call,
        }
    };
}

pub(super) use either;
