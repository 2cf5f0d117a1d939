//! The committed descriptors of the services in `h2-sync-grpc`, which cannot depend on this
//! package.

use std::fs;
use std::path::Path;

use h2_sync_grpc_build::Builder;

/// Each package with the file of its descriptors.
const KNOWN: [(&str, &str); 3] = [
    ("grpc.health.v1", "src/health/descriptors.bin"),
    ("grpc.reflection.v1", "src/reflection/descriptors.bin"),
    ("grpc.reflection.v1alpha", "src/reflection/descriptors_v1alpha.bin"),
];

#[test]
fn descriptors_are_those_of_the_files() {
    let grpc = Path::new(env!("CARGO_MANIFEST_DIR")).join("../grpc");
    let protos = ["health/v1/health", "reflection/v1/reflection", "reflection/v1alpha/reflection"];
    let protos = protos.map(|name| grpc.join(format!("proto/grpc/{name}.proto")));
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("known");
    fs::create_dir_all(&made).unwrap();
    Builder::new().out_dir(&made).compile(&protos, &[grpc.join("proto")]).unwrap();
    for (package, file) in KNOWN {
        let made = made.join(format!("{package}.descriptors.bin"));
        let is_same = fs::read(&made).unwrap() == fs::read(grpc.join(file)).unwrap();
        assert!(is_same, "copy {} to grpc/{file}", made.display());
    }
}
