//! Makes clients and servers out of the files in `proto/`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    h2_sync_grpc_build::compile(&["proto/helloworld.proto", "proto/routeguide.proto"], &["proto"])?;
    Ok(())
}
