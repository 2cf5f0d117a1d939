//! HTTP/1.1 requests that intermediaries could split differently than this crate does.

/// The request before each case.
pub(crate) const HONEST: &str = "GET /honest HTTP/1.1\r\nhost: test\r\n\r\n";

/// The request after each case, which must not be processed.
pub(crate) const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nhost: test\r\n\r\n";

/// The name, the octets, and the expected status.
pub(crate) type Case = (&'static str, &'static str, u16);

/// Ambiguous header sections.
pub(crate) const HEADS: &[Case] = &[
    // Lengths.
    (
        "two lengths",
        "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\ncontent-length: 0\r\n\r\nhello",
        400,
    ),
    (
        "one length twice",
        "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello",
        400,
    ),
    (
        "a list of lengths",
        "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length: 5, 5\r\n\r\nhello",
        400,
    ),
    (
        "a length with a sign",
        "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length: +5\r\n\r\nhello",
        400,
    ),
    ("a length below zero", "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length: -1\r\n\r\n", 400),
    (
        "a hexadecimal length",
        "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length: 0x5\r\n\r\nhello",
        400,
    ),
    (
        "a length with a blank",
        "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length: 0 5\r\n\r\n",
        400,
    ),
    ("an empty length", "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length:\r\n\r\n", 400),
    (
        "a length beyond 64 bits",
        "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length: 18446744073709551621\r\n\r\nhello",
        400,
    ),
    // Transfer codings.
    (
        "a length beside chunked",
        "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "chunked beside a length",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "chunked twice",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "two transfer-encodings",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "chunked not last",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        400,
    ),
    ("identity", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: identity\r\n\r\n", 400),
    (
        "a misspelt coding",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "a quoted coding",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "a coding with a form feed",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    ("an empty coding", "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding:\r\n\r\n", 400),
    (
        "a coding with a parameter",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "a coding that is not known",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        501,
    ),
    (
        "a coding in HTTP/1.0",
        "POST /bad HTTP/1.0\r\nhost: test\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "a blank before the colon",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "a tab before the colon",
        "POST /bad HTTP/1.1\r\nhost: test\r\ncontent-length\t: 5\r\n\r\nhello",
        400,
    ),
    (
        "a folded coding",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "a folded length",
        "POST /bad HTTP/1.1\r\nhost: test\r\nx: y\r\n content-length: 5\r\n\r\nhello",
        400,
    ),
    // Line ends.
    ("a bare LF behind the first line", "GET /bad HTTP/1.1\nhost: test\r\n\r\n", 400),
    ("a bare LF in the fields", "GET /bad HTTP/1.1\r\nhost: test\nx: y\r\n\r\n", 400),
    ("a bare LF that ends the head", "GET /bad HTTP/1.1\r\nhost: test\r\n\n", 400),
    (
        "a bare CR in a value",
        "GET /bad HTTP/1.1\r\nhost: test\r\nx: y\rcontent-length: 5\r\n\r\n",
        400,
    ),
    ("a bare CR before the line end", "GET /bad HTTP/1.1\r\nhost: test\r\nx: y\r\r\n\r\n", 400),
    ("a bare CR in front", "\rGET /bad HTTP/1.1\r\nhost: test\r\n\r\n", 400),
    ("empty lines in front", "\r\n\r\nGET /bad HTTP/1.1\r\nhost: test\r\n\r\n", 400),
    // Octets.
    ("NUL in a value", "GET /bad HTTP/1.1\r\nhost: test\r\nx: a\0b\r\n\r\n", 400),
    ("NUL in a name", "GET /bad HTTP/1.1\r\nhost: test\r\nx\0: a\r\n\r\n", 400),
    ("NUL in the target", "GET /bad\0 HTTP/1.1\r\nhost: test\r\n\r\n", 400),
    ("a control octet in a value", "GET /bad HTTP/1.1\r\nhost: test\r\nx: a\x0bb\r\n\r\n", 400),
    ("DEL in a value", "GET /bad HTTP/1.1\r\nhost: test\r\nx: \x7f\r\n\r\n", 400),
    ("a blank in a name", "GET /bad HTTP/1.1\r\nhost: test\r\nx y: z\r\n\r\n", 400),
    ("no name", "GET /bad HTTP/1.1\r\nhost: test\r\n: z\r\n\r\n", 400),
    ("no colon", "GET /bad HTTP/1.1\r\nhost: test\r\nGET /x HTTP/1.1\r\n\r\n", 400),
    ("a blank in front of the first field", "GET /bad HTTP/1.1\r\n host: test\r\n\r\n", 400),
    // The first line.
    ("two blanks", "GET  /bad HTTP/1.1\r\nhost: test\r\n\r\n", 400),
    ("a tab for a blank", "GET\t/bad HTTP/1.1\r\nhost: test\r\n\r\n", 400),
    ("a blank in the target", "GET /bad /x HTTP/1.1\r\nhost: test\r\n\r\n", 400),
    ("a blank behind the version", "GET /bad HTTP/1.1 \r\nhost: test\r\n\r\n", 400),
    ("HTTP/0.9", "GET /bad\r\n\r\n", 400),
    ("HTTP/1.2", "GET /bad HTTP/1.2\r\nhost: test\r\n\r\n", 505),
    ("HTTP/2.0", "GET /bad HTTP/2.0\r\nhost: test\r\n\r\n", 505),
    ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("a fragment", "GET /bad#x HTTP/1.1\r\nhost: test\r\n\r\n", 400),
    ("an authority as target", "GET test:80 HTTP/1.1\r\nhost: test\r\n\r\n", 400),
    // Hosts.
    ("no host", "GET /bad HTTP/1.1\r\n\r\n", 400),
    ("two hosts", "GET /bad HTTP/1.1\r\nhost: test\r\nhost: other\r\n\r\n", 400),
    ("one host twice", "GET /bad HTTP/1.1\r\nhost: test\r\nhost: test\r\n\r\n", 400),
    ("a list of hosts", "GET /bad HTTP/1.1\r\nhost: test, other\r\n\r\n", 400),
    ("a host against the target", "GET http://other/bad HTTP/1.1\r\nhost: test\r\n\r\n", 400),
    ("userinfo in the target", "GET http://test@other/bad HTTP/1.1\r\nhost: other\r\n\r\n", 400),
    ("userinfo in the host", "GET /bad HTTP/1.1\r\nhost: a@test\r\n\r\n", 400),
    (
        "CONNECT with content",
        "CONNECT test:443 HTTP/1.1\r\nhost: test:443\r\ncontent-length: 5\r\n\r\nhello",
        400,
    ),
];

/// Ambiguous bodies, with valid header sections.
pub(crate) const BODIES: &[Case] = &[
    (
        "a chunk size with a sign",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
        400,
    ),
    (
        "a chunk size with 0x",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        400,
    ),
    (
        "a chunk size with a blank",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
        400,
    ),
    (
        "a chunk size beyond 64 bits",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
        400,
    ),
    (
        "a chunk size of many zeros",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n00000000000000005\r\nhello\r\n0\r\n\r\n",
        400,
    ),
    (
        "no chunk size",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "a chunk longer than its size",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n",
        400,
    ),
    (
        "a chunk shorter than its size",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n6\r\nhello\r\n0\r\n\r\n",
        400,
    ),
    (
        "a bare LF behind a chunk size",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
        400,
    ),
    (
        "a bare LF behind a chunk",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n",
        400,
    ),
    (
        "a bare CR in an extension",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n5;a\rb\r\nhello\r\n0\r\n\r\n",
        400,
    ),
    (
        "a bare LF in a quoted extension",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n5;a=\"\n\"\r\nhello\r\n0\r\n\r\n",
        400,
    ),
    (
        "a length among the trailers",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n0\r\ncontent-length: 5\r\n\r\n",
        400,
    ),
    (
        "a host among the trailers",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n0\r\nhost: other\r\n\r\n",
        400,
    ),
    (
        "a request for a trailer",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n0\r\nGET /x HTTP/1.1\r\n\r\n",
        400,
    ),
    (
        "a bare LF behind the trailers",
        "POST /bad HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\n",
        400,
    ),
];
