//! The states of a stream (RFC 9113, Section 5.1) as one enum with a method for each transition.
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

/// How a stream came to its end; it decides what a late frame for it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Both sides sent END_STREAM.
    EndStream,
    /// The peer sent RST_STREAM.
    ResetByPeer,
    /// We sent RST_STREAM; frames that the peer sent before it saw that are ignored.
    ResetByUs,
}

/// The state of one stream (RFC 9113, Section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing has been sent or received.
    Idle,
    /// We have promised it and not yet sent the response HEADERS.
    ReservedLocal,
    /// The peer has promised it and not yet sent the response HEADERS.
    ReservedRemote,
    /// Both sides may send.
    Open,
    /// We have sent END_STREAM; the peer may still send.
    HalfClosedLocal,
    /// The peer has sent END_STREAM; we may still send.
    HalfClosedRemote,
    /// Nobody sends any more.
    Closed(Cause),
}

impl State {
    /// We send HEADERS.
    pub(crate) fn send_headers(&mut self, end_stream: bool) -> Result<(), Misuse> {
        *self = match *self {
            State::Idle => State::Open,
            State::ReservedLocal => State::HalfClosedRemote,
            State::Open => State::Open,
            State::HalfClosedRemote => State::HalfClosedRemote,
            State::ReservedRemote | State::HalfClosedLocal | State::Closed(_) => return Err(Misuse),
        };
        if end_stream {
            self.send_end_stream()?;
        }
        Ok(())
    }

    /// We send DATA.
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

    /// The peer sends HEADERS. The error is the code that the RFC asks for.
    pub(crate) fn recv_headers(&mut self, end_stream: bool) -> Result<(), ErrorCode> {
        *self = match *self {
            State::Idle => State::Open,
            State::ReservedRemote => State::HalfClosedLocal,
            State::Open => State::Open,
            State::HalfClosedLocal => State::HalfClosedLocal,
            // RFC 9113, Section 5.1: in reserved (local) only RST_STREAM, PRIORITY and WINDOW_UPDATE
            // may arrive.
            State::ReservedLocal => return Err(ErrorCode::ProtocolError),
            // RFC 9113, Section 5.1: STREAM_CLOSED for anything else after END_STREAM.
            State::HalfClosedRemote | State::Closed(_) => return Err(ErrorCode::StreamClosed),
        };
        if end_stream {
            self.recv_end_stream();
        }
        Ok(())
    }

    /// The peer sends DATA.
    pub(crate) fn recv_data(&mut self, end_stream: bool) -> Result<(), ErrorCode> {
        match *self {
            State::Open | State::HalfClosedLocal => {}
            State::Idle | State::ReservedLocal | State::ReservedRemote => {
                return Err(ErrorCode::ProtocolError)
            }
            State::HalfClosedRemote | State::Closed(_) => return Err(ErrorCode::StreamClosed),
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

    /// We have sent PUSH_PROMISE for this stream.
    pub(crate) fn send_promise(&mut self) -> Result<(), Misuse> {
        match *self {
            State::Idle => *self = State::ReservedLocal,
            _ => return Err(Misuse),
        }
        Ok(())
    }

    /// The peer has sent PUSH_PROMISE for this stream.
    pub(crate) fn recv_promise(&mut self) -> Result<(), ErrorCode> {
        match *self {
            State::Idle => *self = State::ReservedRemote,
            _ => return Err(ErrorCode::ProtocolError),
        }
        Ok(())
    }

    /// RST_STREAM goes out or has come in.
    pub(crate) fn reset(&mut self, cause: Cause) {
        if !self.is_closed() {
            *self = State::Closed(cause);
        }
    }

    /// Whether DATA may be sent.
    pub(crate) fn can_send(self) -> bool {
        matches!(self, State::Open | State::HalfClosedRemote)
    }

    /// Whether the peer may still send DATA or HEADERS.
    pub(crate) fn can_receive(self) -> bool {
        matches!(self, State::Open | State::HalfClosedLocal | State::ReservedRemote)
    }

    /// Whether the stream has ended.
    pub(crate) fn is_closed(self) -> bool {
        matches!(self, State::Closed(_))
    }
}

/// Something that we may not send in this state.
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
        RecvReset,
    }

    /// What an input leads to: a state, a mistake of ours, or an error code for the peer.
    #[derive(Debug, PartialEq)]
    enum Outcome {
        To(State),
        Ours,
        Peers(ErrorCode),
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
            Err(Some(code)) => Outcome::Peers(code),
        }
    }

    #[test]
    fn every_state_and_input_has_the_outcome_of_the_rfc() {
        use ErrorCode::{ProtocolError, StreamClosed};
        use Outcome::{Ours, Peers, To};
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
            Input::RecvReset,
        ];
        let us = Closed(ResetByUs);
        let peer = Closed(ResetByPeer);
        let done = Closed(EndStream);
        #[rustfmt::skip]
        let table = [
            (Idle, [To(Open), To(HalfClosedLocal), Ours, Ours, To(ReservedLocal), To(us),
                    To(Open), To(HalfClosedRemote), Peers(ProtocolError), Peers(ProtocolError), To(ReservedRemote), To(peer)]),
            (ReservedLocal, [To(HalfClosedRemote), To(done), Ours, Ours, Ours, To(us),
                    Peers(ProtocolError), Peers(ProtocolError), Peers(ProtocolError), Peers(ProtocolError), Peers(ProtocolError), To(peer)]),
            (ReservedRemote, [Ours, Ours, Ours, Ours, Ours, To(us),
                    To(HalfClosedLocal), To(done), Peers(ProtocolError), Peers(ProtocolError), Peers(ProtocolError), To(peer)]),
            (Open, [To(Open), To(HalfClosedLocal), To(Open), To(HalfClosedLocal), Ours, To(us),
                    To(Open), To(HalfClosedRemote), To(Open), To(HalfClosedRemote), Peers(ProtocolError), To(peer)]),
            (HalfClosedLocal, [Ours, Ours, Ours, Ours, Ours, To(us),
                    To(HalfClosedLocal), To(done), To(HalfClosedLocal), To(done), Peers(ProtocolError), To(peer)]),
            (HalfClosedRemote, [To(HalfClosedRemote), To(done), To(HalfClosedRemote), To(done), Ours, To(us),
                    Peers(StreamClosed), Peers(StreamClosed), Peers(StreamClosed), Peers(StreamClosed), Peers(ProtocolError), To(peer)]),
            (done, [Ours, Ours, Ours, Ours, Ours, To(done),
                    Peers(StreamClosed), Peers(StreamClosed), Peers(StreamClosed), Peers(StreamClosed), Peers(ProtocolError), To(done)]),
            (us, [Ours, Ours, Ours, Ours, Ours, To(us),
                    Peers(StreamClosed), Peers(StreamClosed), Peers(StreamClosed), Peers(StreamClosed), Peers(ProtocolError), To(us)]),
            (peer, [Ours, Ours, Ours, Ours, Ours, To(peer),
                    Peers(StreamClosed), Peers(StreamClosed), Peers(StreamClosed), Peers(StreamClosed), Peers(ProtocolError), To(peer)]),
        ];
        for (state, outcomes) in table {
            for (input, expected) in inputs.into_iter().zip(outcomes) {
                assert_eq!(step(state, input), expected, "{state:?} on {input:?}");
            }
        }
    }
}
