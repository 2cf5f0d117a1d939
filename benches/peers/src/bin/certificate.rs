//! Writes a certificate for 127.0.0.1 that signs itself, and its key, to two files.

use std::fs;

use peers::{AnyError, usage};

fn main() -> Result<(), AnyError> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [cert, key] = &args[..] else { usage("CERT KEY") };
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names)?;
    fs::write(cert, made.cert.pem())?;
    fs::write(key, made.signing_key.serialize_pem())?;
    Ok(())
}
