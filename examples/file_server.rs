//! A server for the files of a directory, with a listing for each folder.
//! It shows ranges, conditional requests, and how to keep paths within the folder.
//!
//! ```text
//! cargo run --release --example file_server -- [ADDRESS] [FOLDER] [--tls [CERT KEY]]
//!
//! cargo run --release --example file_server -- 127.0.0.1:8443 target/doc --tls
//! ```
//!
//! Browsers use HTTP/2 only over TLS, so they need `--tls`; curl and nghttp work with both.
//!
//! It supports HEAD, single ranges, `if-modified-since`, and the media types of common files.
//! Hidden files (with a leading dot) are not served, and links out of the folder are not followed.
//! Files are read and sent in pieces, at the client's pace.

#[path = "shared/args.rs"]
mod args;
#[path = "shared/listing.rs"]
mod listing;

use std::error::Error;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use args::Args;
use h2_sync::server::{Config, Request, Response};
use http::Method;

const HELP: &str = "\
Serves the files of a folder, and its listing.

usage: file_server [ADDRESS] [FOLDER] [--tls [CERT KEY]]

    ADDRESS          the address to listen on; default 127.0.0.1:8080, port 0 for any free port
    FOLDER           the folder to serve; default: the current folder
    --tls            use TLS (which browsers need), with a generated certificate
    --tls CERT KEY   use TLS, with this certificate and key (PEM files)
";

/// The size in octets of the pieces in which files are read.
const PIECE: usize = 64 << 10;

type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

fn main() -> Result {
    env_logger::init();
    let (args, [folder]) = Args::parse(HELP, ["."]);
    let root = match fs::canonicalize(&folder) {
        Ok(root) if root.is_dir() => root,
        _ => return Err(format!("{folder} is not a folder").into()),
    };
    let handle = args
        .serve(Config::default(), move |request: &mut Request, response: &mut Response| {
            serve(&root, request, response)
        });
    handle.wait();
    Ok(())
}

fn serve(root: &Path, request: &Request, response: &mut Response) -> Result {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        response.set_header("allow", "GET, HEAD")?;
        return complain(response, 405, "only GET and HEAD are supported");
    }
    let Some(path) = find(root, request.path()) else {
        return complain(response, 404, "file not found");
    };
    let has_slash = request.path().ends_with('/');
    if path.is_file() && !has_slash {
        return send_file(&path, request, response);
    }
    if !path.is_dir() {
        return complain(response, 404, "folder not found");
    }
    if !has_slash {
        // Without the final slash, relative links of the listing would be wrong.
        response.set_header("location", format!("{}/", request.path()))?;
        return Ok(response.set_status(308)?);
    }
    let index = path.join("index.html");
    if index.is_file() {
        return send_file(&index, request, response);
    }
    response.set_header("content-type", "text/html; charset=utf-8")?;
    if request.method() != Method::HEAD {
        listing::write(root, &path, request.path(), response)?;
    }
    Ok(())
}

fn complain(response: &mut Response, status: u16, text: &str) -> Result {
    response.set_status(status)?;
    response.set_header("content-type", "text/plain; charset=utf-8")?;
    writeln!(response, "{text}")?;
    Ok(())
}

/// Returns the file or folder for a path, if it may be served.
fn find(root: &Path, path: &str) -> Option<PathBuf> {
    if path.contains("//") {
        // As a link, such a path would lead to another host.
        return None;
    }
    let mut found = root.to_owned();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let name = String::from_utf8(listing::decode(segment)?).ok()?;
        // A plain, visible name: no `..`, no drive letter, no slash encoded as %2F.
        let mut components = Path::new(&name).components();
        let is_plain = matches!(components.next(), Some(Component::Normal(part)) if part == &*name);
        if !is_plain || components.next().is_some() || name.starts_with('.') || name.contains('\0')
        {
            return None;
        }
        found.push(name);
    }
    // Links are followed only within the root.
    found.canonicalize().ok().filter(|found| found.starts_with(root))
}

fn send_file(path: &Path, request: &Request, response: &mut Response) -> Result {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return complain(response, 403, "permission denied");
        }
        file => file?,
    };
    let metadata = file.metadata()?;
    response.set_header("content-type", mime_type(path))?;
    response.set_header("x-content-type-options", "nosniff")?;
    let modified = modified(&metadata);
    if let Some(modified) = modified {
        response.set_header("last-modified", httpdate::fmt_http_date(modified))?;
    }
    if modified.is_some_and(|modified| is_known(request, modified)) {
        return Ok(response.set_status(304)?);
    }

    let Some(part) = response.select_range(request, metadata.len())? else {
        return complain(response, 416, "the file does not have that range");
    };
    if request.method() != Method::HEAD {
        file.seek(SeekFrom::Start(part.start))?;
        copy(&mut file, part.end - part.start, response)?;
    }
    Ok(())
}

/// Sends `octets` octets. `write_all` blocks while the client does not read.
fn copy(file: &mut File, octets: u64, response: &mut Response) -> Result {
    // The buffer is no larger than the file.
    let mut piece = vec![0; octets.min(PIECE as u64) as usize];
    let mut left = octets;
    while left > 0 {
        let most = left.min(piece.len() as u64) as usize;
        let n = file.read(&mut piece[..most])?;
        if n == 0 {
            // The length has been announced, so the stream is reset.
            return Err("the file was truncated during the response".into());
        }
        response.write_all(&piece[..n])?;
        left -= n as u64;
    }
    Ok(())
}

/// Returns the time of the last change, in whole seconds like an HTTP date.
fn modified(metadata: &Metadata) -> Option<SystemTime> {
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(UNIX_EPOCH + Duration::from_secs(since.as_secs()))
}

/// Returns whether the client's copy is current (RFC 9110, Section 13.1.3).
fn is_known(request: &Request, modified: SystemTime) -> bool {
    // `if-none-match` takes precedence, but this server sends no entity tags.
    let date =
        request.field("if-modified-since").filter(|_| request.field("if-none-match").is_none());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    date.is_some_and(|date| modified <= date)
}

/// Returns the media type of a file, by its extension.
fn mime_type(path: &Path) -> &'static str {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match &*extension {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "ttf" => "font/ttf",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        "txt" | "md" | "rs" | "toml" | "lock" | "c" | "h" | "py" | "sh" | "log" | "yml"
        | "yaml" | "csv" | "xml" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
