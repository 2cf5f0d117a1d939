//! Chromium, without a window, against the example server: a page and its 50 sub-resources.

use std::process::Command;

use crate::files::Folder;
use crate::peer;

#[test]
fn a_page_and_its_50_sub_resources_come_by_http_2() {
    let Some(chromium) = peer::find("chromium") else { return };
    let Some(example) = peer::example("tls_server") else { return };
    // The example generates its certificate.
    let server = peer::Server::start(|port| {
        let mut command = Command::new(&example);
        command.arg(format!("127.0.0.1:{port}"));
        command
    });
    let folder = Folder::new("chromium");
    let mut command = Command::new(chromium);
    command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
    command.args(["--ignore-certificate-errors", "--dump-dom"]);
    command.arg(format!("--user-data-dir={}", folder.path().display()));
    let output = peer::run(command.arg(format!("https://{}/many", server.address)));
    assert!(output.success, "{}", output.text);
    // The output is the page after its script has read `performance.getEntriesByType`.
    assert!(output.text.contains("50 parts, 50 of 50 by h2"), "{}", output.text);
}
