//! The error of an application.

/// Any error of an application. Handlers may return it, and `?` converts all errors into it.
///
/// ```
/// use std::io::Write;
///
/// use h2_sync::server::{Request, Response};
/// use h2_sync::BoxError;
///
/// fn double(request: &mut Request, response: &mut Response) -> Result<(), BoxError> {
///     let number: u32 = request.query().unwrap_or_default().parse()?;
///     writeln!(response, "{}", 2 * number)?;
///     Ok(())
/// }
/// ```
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
