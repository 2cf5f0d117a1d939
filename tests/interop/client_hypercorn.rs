//! Our `client::Client` against hypercorn (Python, on hyper-h2).

use std::path::Path;
use std::process::Command;

use crate::client_support::Served;
use crate::peer;

fn start(arguments: &[&Path]) -> Option<peer::Server> {
    let python = peer::find("python3")?;
    if !peer::run(Command::new(&python).args(["-c", "import hypercorn"])).success {
        peer::missing("hypercorn");
        return None;
    }
    Some(peer::Server::start(|port| {
        let mut command = Command::new(&python);
        command.args(["-B", "-m", "hypercorn", "--log-level", "error", "--bind"]);
        command.arg(format!("127.0.0.1:{port}"));
        for (option, file) in ["--certfile", "--keyfile"].into_iter().zip(arguments) {
            command.arg(option).arg(file);
        }
        command.arg("hypercorn_routes:app");
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        command
    }))
}

#[test]
fn hypercorn_gives_all_that_a_script_can() {
    let Some(server) = start(&[]) else { return };
    Served::clear(server, None).assert_has_all_routes();
}

#[test]
fn hypercorn_gives_all_that_a_script_can_over_tls() {
    let folder = crate::files::Folder::new("client-hypercorn-tls");
    let identity = crate::tls::Identity::new();
    let (certificate, key) = identity.write_to(&folder);
    let Some(server) = start(&[&certificate, &key]) else { return };
    Served::secure(server, folder, &identity).assert_has_all_routes();
}
