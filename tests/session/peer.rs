//! The other side of a Session, which sends scripted frames.

use h2_sync::frame::Frame;
use h2_sync::transport::{Duplex, duplex};
use h2_sync::{Config, Role, Session};

use crate::frames;
use crate::support::LONG;

pub(crate) type Peer = frames::Peer<Duplex>;

/// A Session of this role, and a peer that has sent its preface and empty SETTINGS. `capacity` is
/// the buffer between them in octets.
pub(crate) fn session_and_peer(role: Role, config: Config, capacity: usize) -> (Session, Peer) {
    let (near, far) = duplex(capacity);
    let session = Session::with_config(near, role, config).unwrap();
    (session, peer_of(far, role))
}

/// The peer of a Session of this role.
pub(crate) fn peer_of(stream: Duplex, role: Role) -> Peer {
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.set_write_timeout(Some(LONG)).unwrap();
    match role {
        Role::Server => Peer::client(stream, Vec::new()),
        Role::Client => {
            let mut peer = Peer::server(stream, Vec::new());
            peer.read_preface();
            peer
        }
    }
}

impl Peer {
    /// Sends a PING and reads up to its answer, so that everything sent before has been read.
    /// Returns the frames received.
    pub(crate) fn until_synchronized(&mut self) -> Vec<Frame> {
        let payload = *b"are you?";
        self.ping(&payload);
        let mut frames = Vec::new();
        self.until(|frame| {
            frames.push(frame.clone());
            matches!(frame, Frame::Ping(ping) if ping.ack && ping.payload == payload).then_some(())
        });
        frames
    }
}
