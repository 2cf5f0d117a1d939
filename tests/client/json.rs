//! Bodies of JSON.

use std::io::{self, Write};

use crate::support::{bounded, client, serve};

#[test]
fn a_value_goes_out_and_comes_back() {
    bounded(|| {
        let server = serve(|request, response| {
            let kind = request.field("content-type").unwrap_or_default().to_owned();
            response.set_header("content-type", &*kind)?;
            io::copy(request, response).map(drop)
        });
        let value = serde_json::json!({ "name": "x", "list": [1, 2] });
        let response = client().post(server.at("/")).json(&value).send().unwrap();
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_eq!(response.json::<serde_json::Value>().unwrap(), value);
    });
}

#[test]
fn invalid_json_is_an_error() {
    bounded(|| {
        let server = serve(|_, response| response.write_all(b"{"));
        let response = client().get(server.at("/")).send().unwrap();
        assert!(response.json::<serde_json::Value>().is_err());
    });
}
