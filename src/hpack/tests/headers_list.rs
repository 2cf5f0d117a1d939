//! Tests of `Headers`.

use super::*;

fn response() -> Headers {
    headers!(
        ":status" => "200",
        "set-cookie" => "a",
        "x" => [0xff],
        "x" => "y",
        "set-cookie" => "b",
    )
}

#[test]
fn order_and_duplicates_are_kept() {
    let headers = response();
    let names = headers.iter().map(|field| field.name);
    assert!(names.eq([&b":status"[..], b"set-cookie", b"x", b"x", b"set-cookie"]));
}

#[test]
fn look_up_by_name() {
    let headers = response();
    assert_eq!(headers.get("set-cookie"), Some("a"));
    assert_eq!(headers.get("Set-Cookie"), Some("a"));
    assert_eq!(headers.get("x"), Some("y"), "the first that is UTF-8");
    assert_eq!(headers.get_bytes("x"), Some(&[0xff][..]));
    assert!(headers.get_all("set-cookie").eq([b"a", b"b"]));
    assert_eq!(headers.get("none"), None);
}

#[test]
fn iterates_from_both_ends() {
    let headers = response();
    let mut fields = headers.iter();
    assert_eq!(fields.len(), 5);
    assert_eq!(fields.next_back(), Some(Field::new("set-cookie", "b")));
    assert_eq!(fields.next(), Some(Field::new(":status", "200")));
    assert_eq!(fields.len(), 3);
}

#[test]
fn section_size_counts_32_for_each_field() {
    assert_eq!(headers!().section_size(), 0);
    assert_eq!(response().section_size(), 5 * 32 + 10 + 11 + 2 + 2 + 11);
}

#[test]
fn removing_keeps_order_and_size_right() {
    let mut headers = response();
    assert_eq!(headers.remove("Set-Cookie"), 2);
    assert_eq!(headers.remove("none"), 0);
    assert_eq!(headers, headers!(":status" => "200", "x" => [0xff], "x" => "y"));
    headers.retain(|field| field.value.is_ascii());
    assert_eq!(headers, headers!(":status" => "200", "x" => "y"));
    assert_eq!(headers.section_size(), 2 * 32 + 10 + 2);
}

#[test]
fn clone_is_not_changed_by_the_other() {
    let original = response();
    let longer = original.clone().with("x", "z");
    assert_eq!((original.len(), longer.len()), (5, 6));
}

#[test]
fn status_has_three_digits() {
    assert_eq!(response().status(), Some(200));
    for status in ["", "20", "2000", "+20", "2x0"] {
        assert_eq!(headers!(":status" => status).status(), None);
    }
    assert_eq!(headers!().status(), None);
}

#[test]
fn pseudo_fields_of_a_request() {
    let request =
        headers!(":method" => "GET", ":scheme" => "https", ":authority" => "a", ":path" => "/");
    let fields = (request.method(), request.scheme(), request.authority(), request.path());
    assert_eq!(fields, (Some("GET"), Some("https"), Some("a"), Some("/")));
}

#[test]
fn conversions() {
    let expected = headers!("a" => "1", "b" => "2");
    assert_eq!(Headers::from([("a", "1"), ("b", "2")]), expected);
    assert_eq!(
        vec![("a".to_string(), "1"), ("b".to_string(), "2")].into_iter().collect::<Headers>(),
        expected
    );
    assert_eq!(expected.iter().collect::<Headers>(), expected);
    let mut extended = headers!("a" => "1");
    extended.extend([Field::new("b", "2")]);
    assert_eq!(extended, expected);
}

#[test]
fn sensitive_values_are_not_shown() {
    let mut headers = headers!("a" => "x\r\n\\");
    headers.push_sensitive("cookie", "secret");
    assert_eq!(format!("{headers:?}"), r"[a: x\x0d\x0a\\, cookie: ***]");
    let decoder_and_encoder = format!("{:?} {:?}", Decoder::new(Limits::default()), Encoder::new());
    assert!(decoder_and_encoder.contains("0 entries"));
}

#[test]
fn marks_of_sensitivity_count_in_comparisons() {
    let mut sensitive = Headers::new();
    sensitive.push_sensitive("a", "1");
    assert_ne!(sensitive, headers!("a" => "1"));
    assert_eq!(sensitive, sensitive.clone());
}
