//! The codec of either role, behind the calls that both have.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

use crate::http1::{ClientConnection, Error, Received, SendError, ServerConnection};

/// The codec of a connection.
#[derive(Debug)]
pub(crate) enum Codec {
    Server(ServerConnection),
    Client(ClientConnection),
}

/// Calls a method that both roles have.
macro_rules! either {
    ($codec:expr, $it:ident => $call:expr) => {
        match $codec {
            Codec::Server($it) => $call,
            Codec::Client($it) => $call,
        }
    };
}

impl Codec {
    pub(super) fn receive_body(&mut self, input: &mut BytesMut) -> Result<Received, Error> {
        either!(self, it => it.receive_body(input))
    }

    pub(super) fn take_content(&mut self, input: &mut BytesMut) -> Bytes {
        either!(self, it => it.take_content(input))
    }

    pub(super) fn end_of_input(&mut self, input: &[u8]) -> Result<(), Error> {
        either!(self, it => it.end_of_input(input))
    }

    pub(super) fn frame_data(
        &mut self,
        len: usize,
        out: &mut Vec<u8>,
    ) -> Result<&'static [u8], SendError> {
        either!(self, it => it.frame_data(len, out))
    }

    pub(super) fn finish(
        &mut self,
        trailers: Option<&HeaderMap>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        either!(self, it => it.finish(trailers, out))
    }

    pub(super) fn is_idle(&self) -> bool {
        either!(self, it => it.is_idle())
    }

    /// Whether no other exchange can follow.
    pub(super) fn is_closed(&self) -> bool {
        either!(self, it => it.is_closed())
    }

    pub(super) fn is_tunnel(&self) -> bool {
        either!(self, it => it.is_tunnel())
    }

    /// The codec of the server role, if it is one.
    pub(super) fn server(&mut self) -> Option<&mut ServerConnection> {
        match self {
            Codec::Server(server) => Some(server),
            Codec::Client(_) => None,
        }
    }

    /// The codec of the client role, if it is one.
    pub(super) fn client(&mut self) -> Option<&mut ClientConnection> {
        match self {
            Codec::Client(client) => Some(client),
            Codec::Server(_) => None,
        }
    }
}
