use super::*;

fn defaults() -> Compression {
    Compression::default()
}

fn takeover() -> Compression {
    Compression {
        send_context_takeover: true,
        receive_context_takeover: true,
        ..Compression::default()
    }
}

fn small_windows() -> Compression {
    Compression { send_window_bits: 10, receive_window_bits: 11, ..takeover() }
}

/// What a server answers, without the name.
fn answered(offers: &str, ours: &Compression) -> Option<String> {
    let (_, value) = answer([offers], ours)?;
    Some(value.strip_prefix(NAME).expect("its name").trim_start_matches("; ").to_owned())
}

#[test]
fn a_client_offers_no_takeover_by_default() {
    let value = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                 client_max_window_bits";
    assert_eq!(offer(&defaults()), value);
    assert_eq!(offer(&takeover()), "permessage-deflate; client_max_window_bits");
}

#[test]
fn a_client_offers_the_windows_it_wants() {
    let value = "permessage-deflate; server_max_window_bits=11; client_max_window_bits=10";
    assert_eq!(offer(&small_windows()), value);
}

#[test]
fn a_server_excludes_takeover_unless_it_is_asked_for() {
    let none = "server_no_context_takeover; client_no_context_takeover";
    assert_eq!(answered("permessage-deflate", &defaults()).as_deref(), Some(none));
    assert_eq!(answered("permessage-deflate", &takeover()).as_deref(), Some(""));
}

#[test]
fn a_server_does_without_takeover_where_the_client_asks_for_that() {
    let offers = "permessage-deflate; server_no_context_takeover";
    let (params, value) = answer([offers], &takeover()).expect("an answer");
    assert_eq!(value, offers);
    assert!(!params.send_context_takeover() && params.receive_context_takeover());
    let offers = "permessage-deflate; client_no_context_takeover";
    let (params, value) = answer([offers], &takeover()).expect("an answer");
    assert_eq!(value, offers);
    assert!(params.send_context_takeover() && !params.receive_context_takeover());
}

#[test]
fn a_server_takes_the_smaller_window_of_both() {
    let offers = "permessage-deflate; server_max_window_bits=12; client_max_window_bits";
    let answer = "server_max_window_bits=10; client_max_window_bits=11";
    assert_eq!(answered(offers, &small_windows()).as_deref(), Some(answer));
    let answer = "server_max_window_bits=12";
    assert_eq!(answered(offers, &takeover()).as_deref(), Some(answer));
    let offers = "permessage-deflate; client_max_window_bits=9";
    let answer = "client_max_window_bits=9";
    assert_eq!(answered(offers, &takeover()).as_deref(), Some(answer));
}

#[test]
fn a_client_that_knows_no_window_bits_is_not_told_of_its_own() {
    let answer = "server_max_window_bits=10";
    assert_eq!(answered("permessage-deflate", &small_windows()).as_deref(), Some(answer));
}

#[test]
fn a_window_of_8_bits_is_declined() {
    let offers = "permessage-deflate; server_max_window_bits=8";
    assert_eq!(answered(offers, &takeover()), None);
    let both = format!("{offers}, permessage-deflate");
    assert_eq!(answered(&both, &takeover()).as_deref(), Some(""));
}

#[test]
fn offers_that_are_not_valid_are_passed_over() {
    for params in [
        "server_max_window_bits",
        "server_max_window_bits=16",
        "server_max_window_bits=7",
        "server_max_window_bits=08",
        "server_max_window_bits=+9",
        "client_max_window_bits=",
        "client_no_context_takeover=1",
        "server_no_context_takeover; server_no_context_takeover",
        "client_max_window_bits; client_max_window_bits=10",
        "unknown",
        "",
    ] {
        let offers = format!("permessage-deflate; {params}");
        assert_eq!(answered(&offers, &takeover()), None, "{params}");
        let both = format!("{offers}, permessage-deflate; server_max_window_bits=\"9\"");
        let answer = answered(&both, &takeover());
        assert_eq!(answer.as_deref(), Some("server_max_window_bits=9"), "{params}");
    }
}

#[test]
fn other_extensions_are_passed_over() {
    assert_eq!(answer(["x-webkit-deflate-frame", "permessage-bzip2; x=1"], &defaults()), None);
    assert!(answer(["x-webkit-deflate-frame", "permessage-deflate"], &defaults()).is_some());
}

#[test]
fn an_answer_without_extensions_is_no_compression() {
    assert_eq!(accepted([], Some(&defaults())), Ok(None));
    assert_eq!(accepted([], None), Ok(None));
}

#[test]
fn a_client_takes_what_a_server_answers_to_its_offer() {
    for client in [defaults(), takeover(), small_windows()] {
        for server in [defaults(), takeover(), small_windows()] {
            let (of_server, value) = answer([&*offer(&client)], &server).expect("an answer");
            let of_client = accepted([&*value], Some(&client)).expect("accepted").expect("some");
            assert_eq!(of_client.send, of_server.receive, "{value}");
            assert_eq!(of_client.receive, of_server.send, "{value}");
        }
    }
}

#[test]
fn an_answer_against_the_offer_is_refused() {
    for (value, ours) in [
        ("permessage-deflate", None),
        ("permessage-bzip2", Some(takeover())),
        ("permessage-deflate, permessage-deflate", Some(takeover())),
        ("permessage-deflate", Some(defaults())),
        ("permessage-deflate", Some(small_windows())),
        ("permessage-deflate; server_max_window_bits=12", Some(small_windows())),
        (
            "permessage-deflate; server_max_window_bits=11; client_max_window_bits=11",
            Some(small_windows()),
        ),
        ("permessage-deflate; client_max_window_bits=8", Some(takeover())),
        ("permessage-deflate; client_max_window_bits", Some(takeover())),
        ("permessage-deflate; server_max_window_bits=16", Some(takeover())),
        ("permessage-deflate; unknown", Some(takeover())),
    ] {
        assert!(accepted([value], ours.as_ref()).is_err(), "{value}");
    }
}

#[test]
fn a_server_may_use_a_smaller_window_than_it_was_asked_to() {
    let value = "permessage-deflate; server_max_window_bits=8";
    let params = accepted([value], Some(&takeover())).expect("accepted").expect("some");
    assert_eq!(params.receive.bits, 8);
}
