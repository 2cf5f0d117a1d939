//! Makes the same service for either library.

use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    h2_sync_grpc_build::compile(&["proto/bench.proto"], &["proto"])?;
    let files = protox::compile(["proto/bench.proto"], ["proto"])?;
    let folder = PathBuf::from(env::var("OUT_DIR")?).join("tonic");
    fs::create_dir_all(&folder)?;
    tonic_prost_build::configure().out_dir(folder).compile_fds(files)?;
    Ok(())
}
