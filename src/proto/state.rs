//! The states of a stream (RFC 9113, Section 5.1): an enum with one method per transition.
//!
//! ```text
//!                              +--------+
//!                      send PP |        | recv PP
//!                     ,--------+  idle  +--------.
//!                    /         |        |         \
//!                   v          +--------+          v
//!            +----------+          |           +----------+
//!            |          |          | send H /  |          |
//!     ,------+ reserved |          | recv H    | reserved +------.
//!     |      | (local)  |          |           | (remote) |      |
//!     |      +---+------+          v           +------+---+      |
//!     |          |             +--------+             |          |
//!     |          |     recv ES |        | send ES     |          |
//!     |   send H |     ,-------+  open  +-------.     | recv H   |
//!     |          |    /        |        |        \    |          |
//!     |          v   v         +---+----+         v   v          |
//!     |      +----------+          |           +----------+      |
//!     |      |   half-  |          |           |   half-  |      |
//!     |      |  closed  |          | send R /  |  closed  |      |
//!     |      | (remote) |          | recv R    | (local)  |      |
//!     |      +----+-----+          |           +-----+----+      |
//!     |           | send ES /      |       recv ES / |           |
//!     |           | send R /       v        send R / |           |
//!     |           | recv R     +--------+   recv R   |           |
//!     | send R /  `----------->|        |<-----------'  send R / |
//!     | recv R                 | closed |               recv R   |
//!     `----------------------->|        |<-----------------------'
//!                              +--------+
//!        H: HEADERS   PP: PUSH_PROMISE   ES: END_STREAM   R: RST_STREAM
//! ```

use crate::frame::ErrorCode;

/// How a stream ended, which determines how late frames for it are handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Both sides sent END_STREAM.
    EndStream,
    /// The peer sent RST_STREAM.
    ResetByPeer,
    /// This side sent RST_STREAM; frames that the peer sent before it saw that are ignored.
    ResetByUs,
}

/// The state of one stream (RFC 9113, Section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing has been sent or received.
    Idle,
    /// This side has promised it and has not sent the response HEADERS yet.
    ReservedLocal,
    /// The peer has promised it and has not sent the response HEADERS yet.
    ReservedRemote,
    /// Both sides may send.
    Open,
    /// This side has sent END_STREAM; the peer may still send.
    HalfClosedLocal,
    /// The peer has sent END_STREAM; this side may still send.
    HalfClosedRemote,
    /// Neither side may send.
    Closed(Cause),
}

impl State {
    /// This side sends HEADERS.
    pub(crate) fn send_headers(&mut self, end_stream: bool) -> Result<(), Misuse> {
        *self = match *self {
            State::Idle => State::Open,
            State::ReservedLocal => State::HalfClosedRemote,
            State::Open => State::Open,
            State::HalfClosedRemote => State::HalfClosedRemote,
            State::ReservedRemote | State::HalfClosedLocal | State::Closed(_) => {
                return Err(Misuse);
            }
        };
        if end_stream {
            self.send_end_stream()?;
        }
        Ok(())
    }

    /// This side sends DATA.
    pub(crate) fn send_data(&mut self, end_stream: bool) -> Result<(), Misuse> {
        if !self.can_send() {
            return Err(Misuse);
        }
        if end_stream {
            self.send_end_stream()?;
        }
        Ok(())
    }

    fn send_end_stream(&mut self) -> Result<(), Misuse> {
        *self = match *self {
            State::Open => State::HalfClosedLocal,
            State::HalfClosedRemote => State::Closed(Cause::EndStream),
            _ => return Err(Misuse),
        };
        Ok(())
    }

    /// The peer sends HEADERS.
    pub(crate) fn recv_headers(&mut self, end_stream: bool) -> Result<(), Refusal> {
        *self = match *self {
            State::Idle => State::Open,
            State::ReservedRemote => State::HalfClosedLocal,
            State::Open => State::Open,
            State::HalfClosedLocal => State::HalfClosedLocal,
            // RFC 9113, Section 5.1: in reserved (local) only RST_STREAM, PRIORITY and
            // WINDOW_UPDATE may arrive.
            State::ReservedLocal => return Err(Refusal::Connection(ErrorCode::ProtocolError)),
            // RFC 9113, Section 5.1: STREAM_CLOSED for anything else after END_STREAM.
            State::HalfClosedRemote | State::Closed(_) => {
                return Err(Refusal::Stream(ErrorCode::StreamClosed));
            }
        };
        if end_stream {
            self.recv_end_stream();
        }
        Ok(())
    }

    /// The peer sends DATA.
    pub(crate) fn recv_data(&mut self, end_stream: bool) -> Result<(), Refusal> {
        match *self {
            State::Open | State::HalfClosedLocal => {}
            // RFC 9113, Section 5.1: HEADERS come first in idle and reserved (remote); in reserved
            // (local) only RST_STREAM, PRIORITY and WINDOW_UPDATE may arrive.
            State::Idle | State::ReservedLocal | State::ReservedRemote => {
                return Err(Refusal::Connection(ErrorCode::ProtocolError));
            }
            State::HalfClosedRemote | State::Closed(_) => {
                return Err(Refusal::Stream(ErrorCode::StreamClosed));
            }
        }
        if end_stream {
            self.recv_end_stream();
        }
        Ok(())
    }

    fn recv_end_stream(&mut self) {
        *self = match *self {
            State::HalfClosedLocal => State::Closed(Cause::EndStream),
            _ => State::HalfClosedRemote,
        };
    }

    /// This side has sent PUSH_PROMISE for this stream.
    pub(crate) fn send_promise(&mut self) -> Result<(), Misuse> {
        match *self {
            State::Idle => *self = State::ReservedLocal,
            _ => return Err(Misuse),
        }
        Ok(())
    }

    /// The peer has sent PUSH_PROMISE for this stream.
    pub(crate) fn recv_promise(&mut self) -> Result<(), Refusal> {
        match *self {
            State::Idle => *self = State::ReservedRemote,
            _ => return Err(Refusal::Connection(ErrorCode::ProtocolError)),
        }
        Ok(())
    }

    /// The peer sends WINDOW_UPDATE, which does not change the state.
    pub(crate) fn recv_window_update(self) -> Result<(), Refusal> {
        match self {
            // RFC 9113, Section 5.1: in reserved (remote) only HEADERS, RST_STREAM and PRIORITY may
            // arrive; in idle, only HEADERS and PRIORITY.
            State::Idle | State::ReservedRemote => {
                Err(Refusal::Connection(ErrorCode::ProtocolError))
            }
            _ => Ok(()),
        }
    }

    /// RST_STREAM has been sent or received.
    pub(crate) fn reset(&mut self, cause: Cause) {
        if !self.is_closed() {
            *self = State::Closed(cause);
        }
    }

    /// Whether DATA may be sent.
    pub(crate) fn can_send(self) -> bool {
        matches!(self, State::Open | State::HalfClosedRemote)
    }

    /// Whether the peer may send DATA.
    pub(crate) fn can_receive(self) -> bool {
        matches!(self, State::Open | State::HalfClosedLocal)
    }

    /// Whether the peer may send HEADERS.
    pub(crate) fn may_receive_headers(mut self) -> bool {
        self.recv_headers(false).is_ok()
    }

    /// Whether the stream has ended.
    pub(crate) fn is_closed(self) -> bool {
        matches!(self, State::Closed(_))
    }
}

/// A frame that the peer may not send in this state, and the scope of the error (RFC 9113, Section
/// 5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Connection(ErrorCode),
    Stream(ErrorCode),
}

/// A frame that this side may not send in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Misuse;

#[cfg(test)]
mod tests {
    use super::*;
    use Cause::*;
    use State::*;

    #[derive(Debug, Clone, Copy)]
    enum Input {
        SendHeaders,
        SendHeadersEnd,
        SendData,
        SendDataEnd,
        SendPromise,
        SendReset,
        RecvHeaders,
        RecvHeadersEnd,
        RecvData,
        RecvDataEnd,
        RecvPromise,
        RecvWindow,
        RecvReset,
    }

    /// The outcome of an input: a state, a local mistake, or a mistake of the peer.
    #[derive(Debug, PartialEq)]
    enum Outcome {
        To(State),
        Ours,
        Peers(Refusal),
    }

    fn step(mut state: State, input: Input) -> Outcome {
        let result = match input {
            Input::SendHeaders => state.send_headers(false).map_err(|_| None),
            Input::SendHeadersEnd => state.send_headers(true).map_err(|_| None),
            Input::SendData => state.send_data(false).map_err(|_| None),
            Input::SendDataEnd => state.send_data(true).map_err(|_| None),
            Input::SendPromise => state.send_promise().map_err(|_| None),
            Input::RecvHeaders => state.recv_headers(false).map_err(Some),
            Input::RecvHeadersEnd => state.recv_headers(true).map_err(Some),
            Input::RecvData => state.recv_data(false).map_err(Some),
            Input::RecvDataEnd => state.recv_data(true).map_err(Some),
            Input::RecvPromise => state.recv_promise().map_err(Some),
            Input::RecvWindow => state.recv_window_update().map_err(Some),
            Input::SendReset => {
                state.reset(ResetByUs);
                Ok(())
            }
            Input::RecvReset => {
                state.reset(ResetByPeer);
                Ok(())
            }
        };
        match result {
            Ok(()) => Outcome::To(state),
            Err(None) => Outcome::Ours,
            Err(Some(refusal)) => Outcome::Peers(refusal),
        }
    }

    #[test]
    fn every_state_and_input_has_the_outcome_of_the_rfc() {
        use Outcome::{Ours, To};
        // These two differ in whether the stream or the whole connection ends.
        let gone = || Outcome::Peers(Refusal::Stream(ErrorCode::StreamClosed));
        let dead = || Outcome::Peers(Refusal::Connection(ErrorCode::ProtocolError));
        let inputs = [
            Input::SendHeaders,
            Input::SendHeadersEnd,
            Input::SendData,
            Input::SendDataEnd,
            Input::SendPromise,
            Input::SendReset,
            Input::RecvHeaders,
            Input::RecvHeadersEnd,
            Input::RecvData,
            Input::RecvDataEnd,
            Input::RecvPromise,
            Input::RecvWindow,
            Input::RecvReset,
        ];
        let us = Closed(ResetByUs);
        let peer = Closed(ResetByPeer);
        let done = Closed(EndStream);
        #[rustfmt::skip]
        let table = [
            (Idle, [To(Open), To(HalfClosedLocal), Ours, Ours, To(ReservedLocal), To(us),
                    To(Open), To(HalfClosedRemote), dead(), dead(), To(ReservedRemote), dead(), To(peer)]),
            (ReservedLocal, [To(HalfClosedRemote), To(done), Ours, Ours, Ours, To(us),
                    dead(), dead(), dead(), dead(), dead(), To(ReservedLocal), To(peer)]),
            (ReservedRemote, [Ours, Ours, Ours, Ours, Ours, To(us),
                    To(HalfClosedLocal), To(done), dead(), dead(), dead(), dead(), To(peer)]),
            (Open, [To(Open), To(HalfClosedLocal), To(Open), To(HalfClosedLocal), Ours, To(us),
                    To(Open), To(HalfClosedRemote), To(Open), To(HalfClosedRemote), dead(), To(Open), To(peer)]),
            (HalfClosedLocal, [Ours, Ours, Ours, Ours, Ours, To(us),
                    To(HalfClosedLocal), To(done), To(HalfClosedLocal), To(done), dead(), To(HalfClosedLocal), To(peer)]),
            (HalfClosedRemote, [To(HalfClosedRemote), To(done), To(HalfClosedRemote), To(done), Ours, To(us),
                    gone(), gone(), gone(), gone(), dead(), To(HalfClosedRemote), To(peer)]),
            (done, [Ours, Ours, Ours, Ours, Ours, To(done),
                    gone(), gone(), gone(), gone(), dead(), To(done), To(done)]),
            (us, [Ours, Ours, Ours, Ours, Ours, To(us),
                    gone(), gone(), gone(), gone(), dead(), To(us), To(us)]),
            (peer, [Ours, Ours, Ours, Ours, Ours, To(peer),
                    gone(), gone(), gone(), gone(), dead(), To(peer), To(peer)]),
        ];
        for (state, outcomes) in table {
            for (input, expected) in inputs.into_iter().zip(outcomes) {
                assert_eq!(step(state, input), expected, "{state:?} on {input:?}");
            }
        }
    }
}
