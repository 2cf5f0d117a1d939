//! Octets given whole and in pieces, with the same result.

use h2_sync::http1::Config;
use http::Method;

use crate::messages::{Log, fetch, serve};

/// What a server sees of these octets, which does not depend on how they are cut.
#[track_caller]
pub(crate) fn served(octets: &[u8]) -> Log {
    served_within(&Config::default(), octets)
}

#[track_caller]
pub(crate) fn served_within(config: &Config, octets: &[u8]) -> Log {
    let whole = serve(config, octets, usize::MAX);
    for step in [1, 7] {
        let text = octets.escape_ascii();
        assert_eq!(serve(config, octets, step), whole, "{step} at a time: {text}");
    }
    whole
}

/// What a client sees of these octets after requests with these methods.
#[track_caller]
pub(crate) fn fetched(methods: &[Method], octets: &[u8]) -> Log {
    fetched_within(&Config::default(), methods, octets)
}

#[track_caller]
pub(crate) fn fetched_within(config: &Config, methods: &[Method], octets: &[u8]) -> Log {
    let whole = fetch(config, methods, octets, usize::MAX);
    for step in [1, 7] {
        let text = octets.escape_ascii();
        assert_eq!(fetch(config, methods, octets, step), whole, "{step} at a time: {text}");
    }
    whole
}
