//! Makes the service of the tests, and one whose names are awkward.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    h2_sync_grpc_build::compile(&["proto/testing.proto"], &["proto"])?;
    h2_sync_grpc_build::compile(&["proto/names.proto"], &["proto"])?;
    Ok(())
}
