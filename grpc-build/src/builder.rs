//! Settings, and the way from files to code.

use std::fmt;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use prost::Message;
use prost_types::FileDescriptorSet;
use protox::Compiler;

use crate::comments;
use crate::error::Error;
use crate::generator::{Generator, Parts};

/// Makes code with settings.
///
/// ```no_run
/// // build.rs: a client alone, with serde for messages.
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     h2_sync_grpc_build::Builder::new()
///         .server(false)
///         .configure(|config| {
///             config.type_attribute(".", "#[derive(serde::Serialize)]");
///         })
///         .compile(&["proto/helloworld.proto"], &["proto"])?;
///     Ok(())
/// }
/// ```
#[must_use = "nothing is made before `compile`"]
pub struct Builder {
    parts: Parts,
    has_descriptors: bool,
    out_dir: Option<PathBuf>,
    config: prost_build::Config,
}

impl Builder {
    /// Clients and servers, with what reflection needs.
    pub fn new() -> Self {
        Builder {
            parts: Parts {
                client: true,
                server: true,
                runtime: "::h2_sync_grpc".to_owned(),
                codec: None,
            },
            has_descriptors: true,
            out_dir: None,
            config: prost_build::Config::new(),
        }
    }

    /// Whether clients are made. Default `true`.
    pub fn client(mut self, is_made: bool) -> Self {
        self.parts.client = is_made;
        self
    }

    /// Whether traits and servers are made. Default `true`.
    pub fn server(mut self, is_made: bool) -> Self {
        self.parts.server = is_made;
        self
    }

    /// Whether servers know their descriptors, for reflection. Default `true`. Costs the size of the
    /// descriptors in the program.
    pub fn descriptors(mut self, are_kept: bool) -> Self {
        self.has_descriptors = are_kept;
        self
    }

    /// Sets the path of the runtime, where it is not `::h2_sync_grpc`.
    pub fn runtime(mut self, path: impl Into<String>) -> Self {
        self.parts.runtime = path.into();
        self
    }

    /// Sets the path of a codec for all messages: a value, such as `crate::Json`. Default: that of
    /// Protocol Buffers.
    pub fn codec(mut self, path: impl Into<String>) -> Self {
        self.parts.codec = Some(path.into());
        self
    }

    /// Sets the folder that code is written to. Default: that of the build script, `OUT_DIR`.
    pub fn out_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(folder.into());
        self
    }

    /// Changes how messages are made: attributes, maps, types of other crates.
    pub fn configure(mut self, change: impl FnOnce(&mut prost_build::Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Makes the code. `includes` are the folders in which files and their imports are looked up.
    ///
    /// # Errors
    ///
    /// A file cannot be read or is malformed, or the code cannot be written.
    pub fn compile(
        self,
        protos: &[impl AsRef<Path>],
        includes: &[impl AsRef<Path>],
    ) -> Result<(), Error> {
        let Builder { mut parts, has_descriptors, out_dir, mut config } = self;
        let mut compiler = Compiler::new(includes)?;
        compiler.include_imports(true).include_source_info(true).open_files(protos)?;
        for file in compiler.files() {
            if let Some(path) = file.path() {
                println!("cargo:rerun-if-changed={}", path.display());
            }
        }
        let mut files = compiler.file_descriptor_set();
        let is_script = out_dir.is_none();
        let folder = match out_dir {
            Some(folder) => folder,
            None => env::var_os("OUT_DIR").map(PathBuf::from).ok_or_else(no_folder)?,
        };
        let mut descriptors = None;
        if has_descriptors {
            let name = descriptors_name(protos, &files);
            fs::write(folder.join(&name), without_comments(files.clone()).encode_to_vec())?;
            descriptors = Some(name);
        }
        comments::make_docs(&mut files);
        let runtime = std::mem::take(&mut parts.runtime);
        config.prost_path(format!("{runtime}::prost"));
        config.prost_types_path(format!("{runtime}::prost_types"));
        parts.runtime = runtime;
        config.service_generator(Box::new(Generator::new(parts, descriptors)));
        config.out_dir(&folder);
        config.compile_fds(files)?;
        if is_script {
            println!("cargo:rerun-if-changed=build.rs");
        }
        Ok(())
    }
}

/// The name of the file of descriptors, by the package of the first of the files that they are of: the
/// code has that name as well. Files of several packages may have the same name.
fn descriptors_name(protos: &[impl AsRef<Path>], files: &FileDescriptorSet) -> String {
    let first = protos.first().map(AsRef::as_ref).unwrap_or(Path::new(""));
    let mut named = files.file.iter().filter(|file| first.ends_with(file.name()));
    let package = named.next().map(|file| file.package()).filter(|package| !package.is_empty());
    format!("{}.descriptors.bin", package.unwrap_or("_"))
}

/// Descriptors as reflection gives them: comments would be most of their size.
fn without_comments(mut files: FileDescriptorSet) -> FileDescriptorSet {
    for file in &mut files.file {
        file.source_code_info = None;
    }
    files
}

fn no_folder() -> io::Error {
    io::Error::other("OUT_DIR is not set: outside of a build script, set Builder::out_dir")
}

impl Default for Builder {
    fn default() -> Self {
        Builder::new()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("parts", &self.parts).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use prost_types::FileDescriptorProto;

    use super::*;

    #[test]
    fn descriptors_of_files_with_the_same_name_have_the_names_of_their_packages() {
        let file = |name: &str, package: &str| FileDescriptorProto {
            name: Some(name.to_owned()),
            package: Some(package.to_owned()),
            ..FileDescriptorProto::default()
        };
        for package in ["hello.v1", "hello.v2"] {
            let imported = file("google/protobuf/empty.proto", "google.protobuf");
            let files = FileDescriptorSet { file: vec![imported, file("api.proto", package)] };
            let name = descriptors_name(&["proto/v1/api.proto"], &files);
            assert_eq!(name, format!("{package}.descriptors.bin"));
        }
        let files = FileDescriptorSet { file: vec![file("api.proto", "")] };
        assert_eq!(descriptors_name(&["api.proto"], &files), "_.descriptors.bin");
    }
}
