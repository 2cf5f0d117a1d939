//! The error of code generation.

use std::{fmt, io};

/// The error of code generation.
pub struct Error(Kind);

enum Kind {
    /// A file is malformed or missing.
    Proto(protox::Error),
    /// The code cannot be written.
    Io(io::Error),
}

impl From<protox::Error> for Error {
    fn from(error: protox::Error) -> Self {
        Error(Kind::Proto(error))
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error(Kind::Io(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Proto(error) => error.fmt(f),
            Kind::Io(error) => write!(f, "cannot write code: {error}"),
        }
    }
}

/// Includes the position in the file, since a build script shows the debug format.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Proto(error) => write!(f, "{error:?}"),
            Kind::Io(_) => write!(f, "{self}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Proto(error) => error.source(),
            Kind::Io(error) => error.source(),
        }
    }
}
