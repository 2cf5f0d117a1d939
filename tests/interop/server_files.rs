//! The example `file_server`: files, parts of them, and the page of a folder.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::body;
use crate::files::Folder;
use crate::peer;
use crate::server_examples::{Example, curl, start};

const OCTETS: usize = 20 << 20;

/// The example with a folder that has a large file, and a path for curl's output. `None` if the
/// example has not been built.
struct Files {
    folder: Folder,
    received: PathBuf,
    server: Example,
}

impl Files {
    fn new(test: &str, tls: &[&str]) -> Option<Self> {
        let folder = Folder::new(test);
        fs::write(folder.join("secret"), "nobody's business").unwrap();
        let shown = folder.join("shown");
        fs::create_dir(&shown).unwrap();
        fs::write(shown.join(".hidden"), "not shown").unwrap();
        fs::write(shown.join("a & b.txt"), "small").unwrap();
        body::write_file(&shown.join("body.bin"), OCTETS).unwrap();
        let args: Vec<_> =
            [shown.to_str().unwrap()].into_iter().chain(tls.iter().copied()).collect();
        let server = start("file_server", &args)?;
        Some(Files { received: folder.join("received"), folder, server })
    }

    /// What curl prints, and the body that it got.
    fn get(&self, args: &[&str], path: &str) -> Option<(String, Vec<u8>)> {
        fs::write(&self.received, "").unwrap();
        let out = self.received.to_str().unwrap();
        let args: Vec<_> = args.iter().copied().chain(["--output", out]).collect();
        let output = curl(&args, &self.server.url(path))?;
        assert!(output.success, "{output:?}");
        Some((output.text, fs::read(&self.received).unwrap()))
    }
}

#[test]
fn a_large_file_comes_whole() {
    let Some(files) = Files::new("server-files-whole", &[]) else { return };
    let Some((status, _)) = files.get(&[], "/body.bin") else { return };
    assert_eq!(status, "HTTP/2 200");
    assert_eq!(body::check_file(&files.received, OCTETS), Ok(()));
}

#[test]
fn a_part_of_a_file_comes_alone() {
    let Some(files) = Files::new("server-files-part", &[]) else { return };
    let part = |range: &str| files.get(&["--range", range], "/body.bin");
    let Some(first) = part("0-999") else { return };
    assert_eq!(first, ("HTTP/2 206".into(), body::piece(0, 1000).to_vec()));
    let last = body::piece(OCTETS - 1000, OCTETS).to_vec();
    assert_eq!(part("-1000"), Some(("HTTP/2 206".into(), last)));
    assert_eq!(part(&format!("{OCTETS}-")).unwrap().0, "HTTP/2 416");
}

#[test]
fn a_file_that_has_not_changed_does_not_come_again() {
    let Some(files) = Files::new("server-files-known", &[]) else { return };
    // curl sends the time of this file as `if-modified-since`.
    let known = files.folder.join("shown/body.bin");
    let Some(result) = files.get(&["--time-cond", known.to_str().unwrap()], "/body.bin") else {
        return;
    };
    assert_eq!(result, ("HTTP/2 304".into(), Vec::new()));
}

#[test]
fn what_is_hidden_or_outside_is_not_there() {
    let Some(files) = Files::new("server-files-outside", &[]) else { return };
    for path in ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "/.hidden", "/%00", "//body.bin"] {
        let Some((status, _)) = files.get(&[], path) else { return };
        assert_eq!(status, "HTTP/2 404", "{path}");
    }
}

#[test]
fn a_browser_shows_the_page_of_a_folder_over_tls() {
    let Some(chromium) = peer::find("chromium") else { return };
    let Some(files) = Files::new("server-files-browser", &["--tls"]) else { return };
    let mut command = Command::new(chromium);
    command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
    command.args(["--ignore-certificate-errors", "--dump-dom"]);
    command.arg(format!("--user-data-dir={}", files.folder.join("browser").display()));
    let output = peer::run(command.arg(files.server.url("/")));
    let link = r#"<a href="./a%20%26%20b.txt">a &amp; b.txt</a>"#;
    assert!(output.success && output.text.contains(link), "{}", output.text);
    assert!(output.text.contains("20.0 MiB") && !output.text.contains("hidden"), "{}", output.text);
}
