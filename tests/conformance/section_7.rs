//! Section 7: error codes.

use h2_sync::{ErrorCode, Evt, Reason};

use crate::live::{both, client};
use crate::wire::*;

/// Section 7: codes of the RFC and unknown codes reach the application as they are.
/// An unknown one triggers nothing special.
#[test]
fn every_code_of_rst_stream_reaches_the_application() {
    client(|live| {
        for code in (0x00..=0x0e).chain([0x2a, 0xff, u32::MAX]) {
            let stream = live.open(true);
            live.send(rst_stream(stream, code));
            let (told, retry_safe) = live.reset(stream);
            assert_eq!(u32::from(told), code);
            // Section 8.7: only REFUSED_STREAM says that nothing was done.
            assert_eq!(retry_safe, told == ErrorCode::RefusedStream);
        }
        live.assert_goes_on();
    });
}

/// Section 7: so do those of GOAWAY.
#[test]
fn every_code_of_goaway_reaches_the_application() {
    for code in [0x00, 0x01, 0x0d, 0x0e, u32::MAX] {
        both(|live| {
            live.case(format!("{code:#x}"));
            live.send(goaway(0, code));
            let told = live.event(|evt| match evt {
                Evt::Goaway { error_code, .. } => Some(*error_code),
                _ => None,
            });
            assert_eq!(u32::from(told), code);
            live.peer.shut();
            let Reason::Peer { goaway, .. } = live.end() else { panic!("it was the peer") };
            assert_eq!(goaway, Some(told));
        });
    }
}
