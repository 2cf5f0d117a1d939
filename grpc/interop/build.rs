//! Makes the service of the tests.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    h2_sync_grpc_build::compile(&["proto/testing.proto"], &["proto"])?;
    Ok(())
}
