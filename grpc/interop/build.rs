//! Makes the service of the tests, one whose names are awkward, and files of every shape.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    h2_sync_grpc_build::compile(&["proto/testing.proto"], &["proto"])?;
    h2_sync_grpc_build::compile(&["proto/names.proto"], &["proto"])?;
    // Paths that are not the names of the files as imports have them.
    h2_sync_grpc_build::Builder::new()
        .configure(|config| {
            config.include_file("shapes.rs");
        })
        .compile(&["./proto/../proto/shapes/api.proto", "shapes/unpackaged.proto"], &["proto"])?;
    Ok(())
}
