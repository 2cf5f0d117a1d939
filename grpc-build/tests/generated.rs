//! The generated code, and the errors for malformed files.

use std::fs;
use std::path::{Path, PathBuf};

use h2_sync_grpc_build::Builder;

/// A folder that is removed when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// Returns the code generated from a file.
    fn code(&self, builder: Builder, proto: &str) -> Result<String, String> {
        let file = self.0.join("test.proto");
        fs::write(&file, proto).unwrap();
        let made = builder.out_dir(&self.0).compile(&[&file], &[&self.0]);
        made.map_err(|error| format!("{error:?}"))?;
        Ok(fs::read_to_string(self.0.join("test.v1.rs")).unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const PROTO: &str = r#"
syntax = "proto3";
package test.v1;

// What the service is for.
service Robot {
  // What the method does.
  rpc Move (Step) returns (Place);
  rpc Watch (Step) returns (stream Place);
  rpc Lead (stream Step) returns (Place);
  rpc Talk (stream Step) returns (stream Place);
}

message Step { int32 length = 1; }
message Place { int32 at = 1; }
"#;

/// Returns whether the code contains a part, ignoring whitespace and trailing commas.
fn has(code: &str, part: &str) -> bool {
    let packed = |text: &str| {
        text.split_whitespace().collect::<String>().replace(",)", ")").replace(",>", ">")
    };
    packed(code).contains(&packed(part))
}

#[test]
fn each_kind_of_method_has_its_shape_at_both_ends() {
    let code = Folder::new("shapes").code(Builder::new(), PROTO).unwrap();
    for part in [
        "/// What the service is for.\n#[allow(dead_code, clippy::all)]\n\
         pub trait Robot: ::core::marker::Send + ::core::marker::Sync + 'static {",
        "fn r#move(&self, cx: &::h2_sync_grpc::server::Context, request: Step)",
        "replies: &mut ::h2_sync_grpc::server::Sender<'_, Place>",
        "requests: &mut ::h2_sync_grpc::server::Receiver<'_, Step>",
        "pub fn r#move(&self, request: &Step)",
        "pub fn watch(&self, request: &Step) \
         -> ::core::result::Result<::h2_sync_grpc::client::Receiver<Place>, ::h2_sync_grpc::Status>",
        "\"/test.v1.Robot/Talk\"",
        "\"Lead\" => { call.client_streaming(",
        "fn name(&self) -> &'static str { \"test.v1.Robot\" }",
        "include_bytes!(\"test.v1.descriptors.bin\")",
    ] {
        assert!(has(&code, part), "{part}\n\n{code}");
    }
    assert!(has(&code, "/// What the method does."));
}

#[test]
fn parts_can_be_left_out() {
    let folder = Folder::new("parts");
    let client = folder.code(Builder::new().server(false), PROTO).unwrap();
    assert!(client.contains("RobotClient") && !client.contains("trait Robot"));
    let server = folder.code(Builder::new().client(false).descriptors(false), PROTO).unwrap();
    assert!(server.contains("RobotServer") && !server.contains("RobotClient"));
    assert!(!server.contains("include_bytes"));
    let other = folder.code(Builder::new().codec("crate::Json").runtime("::rt"), PROTO).unwrap();
    assert!(has(&other, "call.unary(crate::Json,") && other.contains("::rt::prost"));
}

#[test]
fn error_names_the_malformed_file() {
    let error =
        Folder::new("errors").code(Builder::new(), "syntax = \"proto3\";\nmessage {").unwrap_err();
    assert!(error.contains("test.proto"), "{error}");
}

#[test]
fn error_names_the_missing_file() {
    let folder = Folder::new("missing");
    let missing = folder.0.join("other.proto");
    let error = Builder::new().out_dir(&folder.0).compile(&[missing], &[&folder.0]).unwrap_err();
    assert!(error.to_string().contains("other.proto"), "{error}");
}
