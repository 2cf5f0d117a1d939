use super::*;
use crate::proto;
use crate::transport::duplex;

#[test]
fn use_alone_does_not_make_a_connection_look_alive() {
    let (near, _far) = duplex(1 << 10);
    let connection = Connection::start(near, proto::Config::default()).unwrap();
    let last_used = Instant::now() + Duration::from_secs(3600);
    let pooled = Pooled { connection, last_used };
    while pooled.connection.heard().elapsed().is_zero() {}
    assert!(pooled.looks_dead(Duration::from_nanos(1)));
    assert!(!pooled.looks_dead(Duration::from_secs(3600)));
}
