//! Our `client::Client` through a proxy: tinyproxy, which opens tunnels by CONNECT.

use std::fs;
use std::process::Command;

use h2_sync::client::{Client, Proxies, Proxy};
use http::StatusCode;

use crate::body;
use crate::client_support::{OCTETS, check, config_for};
use crate::files::Folder;
use crate::nginx::nginx_tls;
use crate::peer;
use crate::tls::Identity;

/// Accepts `user` with `secret`, to any port.
const CONFIG: &str = "
Port PORT
Listen 127.0.0.1
Timeout 60
LogLevel Critical
BasicAuth user secret
";

pub(crate) fn tinyproxy(folder: &Folder) -> Option<peer::Server> {
    let program = peer::find("tinyproxy")?;
    Some(peer::Server::start(|port| {
        let file = folder.join("tinyproxy.conf");
        fs::write(&file, CONFIG.replace("PORT", &port.to_string())).unwrap();
        let mut command = Command::new(&program);
        command.arg("-d").arg("-c").arg(file);
        command
    }))
}

fn client(identity: &Identity, proxy: &str) -> Client {
    let mut config = config_for(identity);
    config.proxies = Proxies::All(Proxy::parse(proxy).unwrap());
    Client::with_config(config).unwrap()
}

#[test]
fn an_https_request_goes_through_tinyproxy() {
    let (folder, identity) = (Folder::new("client-tinyproxy"), Identity::new());
    identity.write_to(&folder);
    let Some(server) = nginx_tls(&folder) else { return };
    let Some(proxy) = tinyproxy(&folder) else { return };
    body::write_file(&folder.join("files/large"), OCTETS).unwrap();
    let url = format!("https://{}/large", server.address);

    let allowed = client(&identity, &format!("http://user:secret@{}", proxy.address));
    let response = allowed.get(&*url).send().unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(check(response).result(OCTETS), Ok(()));

    let error = client(&identity, &format!("http://{}", proxy.address)).get(&*url).send();
    let error = error.unwrap_err().to_string();
    assert!(error.contains("407") && error.contains("refused a tunnel"), "{error}");
}
