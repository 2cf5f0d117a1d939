//! The listing of a folder, and encoding of names in URLs.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8883; --quiet: #888 }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.25rem; font-weight: 600; overflow-wrap: anywhere }
a { color: light-dark(#0550ae, #7ab7ff); text-decoration: none }
a:hover { text-decoration: underline }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums }
th { text-align: left; font-weight: 500; color: var(--quiet) }
th, td { padding: .35rem .5rem; border-bottom: 1px solid var(--line) }
td:first-child { overflow-wrap: anywhere }
td + td, th + th { text-align: right; white-space: nowrap; color: var(--quiet) }
tbody tr:hover { background: #8881 }
footer { margin-top: 1rem; color: var(--quiet); font-size: .875rem }
";

struct Entry {
    /// Folders are sorted first.
    is_file: bool,
    name: String,
    octets: u64,
    modified: Option<SystemTime>,
}

/// Writes the listing of `folder` below `root`, whose URL path is `path`.
pub(crate) fn write(
    root: &Path,
    folder: &Path,
    path: &str,
    page: &mut impl Write,
) -> io::Result<()> {
    let entries = entries(root, folder)?;
    let shown = decode(path).unwrap_or_default();
    let title = escape(&String::from_utf8_lossy(&shown));
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<h1>"
    )?;
    write_path(path, page)?;
    page.write_all(
        b"</h1>\n<table>\n<thead><tr><th>Name<th>Size<th>Changed (UTC)</thead>\n<tbody>\n",
    )?;
    if path != "/" {
        page.write_all(b"<tr><td><a href=\"../\">../</a><td><td>\n")?;
    }
    for entry in &entries {
        let slash = if entry.is_file { "" } else { "/" };
        let (link, name) = (encode(&entry.name), escape(&entry.name));
        let size = if entry.is_file { size(entry.octets) } else { String::new() };
        let changed = entry.modified.map(changed).unwrap_or_default();
        // The prefix `./` keeps a name with a colon from being taken for a scheme.
        writeln!(
            page,
            "<tr><td><a href=\"./{link}{slash}\">{name}{slash}</a><td>{size}<td>{changed}"
        )?;
    }
    let files = entries.iter().filter(|entry| entry.is_file).count();
    let folders = entries.len() - files;
    writeln!(page, "</table>\n<footer>{folders} folders, {files} files · h2-sync</footer>\n</html>")
}

/// Writes the path, with a link for each segment.
fn write_path(path: &str, page: &mut impl Write) -> io::Result<()> {
    let mut link = "/".to_owned();
    write!(page, "<a href=\"/\">/</a>")?;
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let name = decode(segment).unwrap_or_default();
        let name = String::from_utf8_lossy(&name);
        link = link + &encode(&name) + "/";
        write!(page, "<a href=\"{link}\">{}</a>/", escape(&name))?;
    }
    Ok(())
}

fn entries(root: &Path, folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Entries that cannot be requested are not listed: names that are not UTF-8, hidden ones,
        // links that are broken or lead out of the root, and special files.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Ok(target) = fs::canonicalize(entry.path()) else { continue };
        let Ok(metadata) = fs::metadata(&target) else { continue };
        let (is_file, is_dir) = (metadata.is_file(), metadata.is_dir());
        if !name.starts_with('.') && target.starts_with(root) && (is_file || is_dir) {
            let modified = metadata.modified().ok();
            entries.push(Entry { is_file, name, octets: metadata.len(), modified });
        }
    }
    entries.sort_by(|a, b| (a.is_file, &a.name).cmp(&(b.is_file, &b.name)));
    Ok(entries)
}

fn size(octets: u64) -> String {
    let mut value = octets as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1000.0 {
            let digits = usize::from(unit != "B" && value < 100.0);
            return format!("{value:.digits$} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// Returns the day and time of an HTTP date, `Sun, 06 Nov 1994 08:49:37 GMT`.
fn changed(time: SystemTime) -> String {
    let date = httpdate::fmt_http_date(time);
    date.get(5..22).unwrap_or_default().to_owned()
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

/// Percent-encodes one segment of a path (RFC 3986, Section 2.1).
fn encode(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for octet in name.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            text.push(octet.into());
        } else {
            text += &format!("%{octet:02X}");
        }
    }
    text
}

/// Decodes percent-encoded text; returns `None` if it is malformed.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                // Two hexadecimal digits fit an octet.
                (digit()? * 16 + digit()?) as u8
            }
            octet => octet,
        });
    }
    Some(octets)
}
