//! The builder: settings, and the steps from files to code.

use std::fmt;
use std::path::{Path, PathBuf};
use std::{env, io};

use protox::Compiler;

use crate::error::Error;
use crate::generator::{Generator, Parts};
use crate::names::Names;
use crate::{comments, descriptors, paths};

/// A code generator with settings.
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
#[must_use = "nothing is generated before `compile`"]
pub struct Builder {
    parts: Parts,
    has_descriptors: bool,
    out_dir: Option<PathBuf>,
    config: prost_build::Config,
}

impl Builder {
    /// Creates a builder for clients and servers, with descriptors for reflection.
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

    /// Sets whether clients are generated. Default `true`.
    pub fn client(mut self, is_made: bool) -> Self {
        self.parts.client = is_made;
        self
    }

    /// Sets whether traits and servers are generated. Default `true`.
    pub fn server(mut self, is_made: bool) -> Self {
        self.parts.server = is_made;
        self
    }

    /// Sets whether servers contain their descriptors, for reflection. Default `true`. They add
    /// their size to the program.
    pub fn descriptors(mut self, are_kept: bool) -> Self {
        self.has_descriptors = are_kept;
        self
    }

    /// Sets the path of the runtime. Default `::h2_sync_grpc`.
    pub fn runtime(mut self, path: impl Into<String>) -> Self {
        self.parts.runtime = path.into();
        self
    }

    /// Sets the path of a codec value for all messages, such as `crate::Json`. Default: the codec
    /// of Protocol Buffers.
    pub fn codec(mut self, path: impl Into<String>) -> Self {
        self.parts.codec = Some(path.into());
        self
    }

    /// Sets the folder to which code is written. Default: `OUT_DIR` of the build script.
    pub fn out_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(folder.into());
        self
    }

    /// Changes how messages are generated: attributes, maps, types of other crates.
    pub fn configure(mut self, change: impl FnOnce(&mut prost_build::Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Generates the code. See [`compile`](crate::compile) for the arguments.
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
        let mut compiler = Compiler::new(includes.iter().map(|path| paths::clean(path.as_ref())))?;
        compiler.include_imports(true).include_source_info(true);
        compiler.open_files(protos.iter().map(|path| paths::clean(path.as_ref())))?;
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
        if has_descriptors {
            descriptors::write(&folder, &files)?;
        }
        let names = Names::of(&files);
        comments::make_docs(&mut files);
        let runtime = std::mem::take(&mut parts.runtime);
        config.prost_path(format!("{runtime}::prost"));
        config.prost_types_path(format!("{runtime}::prost_types"));
        parts.runtime = runtime;
        config.service_generator(Box::new(Generator::new(parts, has_descriptors, names)));
        config.out_dir(&folder);
        config.compile_fds(files)?;
        if is_script {
            println!("cargo:rerun-if-changed=build.rs");
        }
        Ok(())
    }
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
