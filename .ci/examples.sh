#!/usr/bin/env bash
# Runs the examples as a reader of the README would, after `cargo test --workspace` has built them.
set -euo pipefail

examples=${CARGO_TARGET_DIR:-target}/debug/examples
output=$(mktemp)
folder=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; rm -rf "$output" "$folder"' EXIT

# Takes what to look for, and a command whose output has to have it.
expect() {
    local text=$1
    shift
    printf '$ %s\n' "$*"
    timeout 60 "$@" >"$output"
    if ! grep -qF -- "$text" "$output"; then
        cat "$output"
        printf 'there is no "%s" in it\n' "$text"
        return 1
    fi
}

expect 'Hello, HTTP/2.0!' "$examples/hello"
expect 'Hello, HTTP/2!' "$examples/hello_session"
expect 'GOAWAY' "$examples/sans_io"
expect 'HELLO' "$examples/over_child_process" hello

# The server tells where it listens, and we read that line before going on.
exec {lines}< <(exec "$examples/session_server" 127.0.0.1:0)
servers+=($!)
read -r -t 10 -u "$lines" line
url=http://${line#listening on }
printf 'session_server: %s\n' "$url"

curl=(curl -sS --max-time 30 --http2-prior-knowledge)
expect 'HTTP/2 200' "${curl[@]}" -i "$url/"
expect 'HTTP/2 200' "${curl[@]}" -I "$url/"
expect "$(wc -c <Cargo.toml) octets" "${curl[@]}" --data-binary @Cargo.toml "$url/upload"
expect 'Hello, HTTP/2!' "$examples/session_client" "$url/"
expect 'Hello, HTTP/2!' "$examples/session_client" "$url/" --upgrade
expect 'connections: 1' "$examples/parallel"
expect 'olleh' bash -c "echo hello | $examples/bidi"
expect 'HTTP/1.1 101' curl -sS --max-time 30 --http2 -i "$url/"
expect 'HTTP/1.1 426' curl -sS --max-time 30 --http1.1 -i "$url/"

# The same over TLS, with a certificate that it has signed itself.
cert=$folder/cert.pem
key=$folder/key.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 \
    -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
    -addext basicConstraints=critical,CA:FALSE -out "$cert" -keyout "$key" \
    2>"$folder/openssl.log"
exec {tls_lines}< <(exec "$examples/tls_server" 127.0.0.1:0 "$cert" "$key")
servers+=($!)
read -r -t 10 -u "$tls_lines" tls_line
tls_url=${tls_line#listening on }
printf 'tls_server: %s\n' "$tls_url"

curl=(curl -sS --max-time 30 --http2 --cacert "$cert")
expect 'HTTP/2 200' "${curl[@]}" -i "$tls_url/"
expect "$(wc -c <Cargo.toml) octets" "${curl[@]}" --data-binary @Cargo.toml "$tls_url/upload"
expect 'Hello, HTTP/2 over TLS!' "$examples/tls_client" "$tls_url/" --root "$cert"

# Starts a server among the examples, and sets `url` to where it listens.
serve() {
    local name=$1 lines line
    shift
    exec {lines}< <(exec "$examples/$name" 127.0.0.1:0 "$@")
    servers+=($!)
    read -r -t 10 -u "$lines" line
    url=${line#listening on }
    printf '%s: %s\n' "$name" "$url"
}

curl=(curl -sS --max-time 30 --http2-prior-knowledge)
serve kitchen_sink
kitchen_sink=$url
expect 'hello world' "${curl[@]}" "$url/"
expect "$(wc -c <Cargo.toml) octets" "${curl[@]}" --data-binary @Cargo.toml "$url/sink"
expect ':path: /headers' "${curl[@]}" "$url/headers"
expect '"requests"' "${curl[@]}" "$url/stats"
serve kitchen_sink --tls "$cert" "$key"
expect 'TLSv1_3' "${curl[@]}" --cacert "$cert" "$url/headers"
serve echo
expect 'matchit' "${curl[@]}" --data-binary @Cargo.toml "$url/"
serve router
expect 'HTTP/2 201' "${curl[@]}" -i --data 'buy milk' "$url/notes"
expect 'buy milk' "${curl[@]}" "$url/notes/1"
serve file_server . --tls "$cert" "$key"
expect 'README.md' "${curl[@]}" --cacert "$cert" "$url/"
expect 'HTTP/2 206' "${curl[@]}" --cacert "$cert" -i --range 0-9 "$url/README.md"
serve graceful
expect 'hello world' "${curl[@]}" "$url/"

# A member says hello, and reads it.
hello=(bash -c "echo hello | $examples/websocket \"\$@\" 2>&1" hello)
serve chat
expect 'ada: hello' "${hello[@]}" --http1.1 "ws${url#http}/rooms/lobby?name=ada"
expect 'connected by HTTP/2.0, compressed' "${hello[@]}" --http2 --compress \
    "ws${url#http}/rooms/lobby?name=ada"
serve chat --tls "$cert" "$key"
expect 'ada: hello' "${hello[@]}" --root "$cert" "ws${url#http}/rooms/lobby?name=ada"
expect 'connected by HTTP/2.0' "${hello[@]}" --root "$cert" "ws${url#http}/rooms/lobby?name=ada"

# Honest and hostile load together, for a minute: it fails where an honest request does.
printf '$ soak --minutes 1\n'
timeout 240 "$examples/../soak" --minutes 1 | tail -n 4

# The public suite httpwg, one connection at a time; all of its cases pass.
conform() {
    local suite passed
    suite=$(SEQUENTIAL=1 RUST_LOG=off NO_COLOR=1 timeout 300 httpwg -a "$1" 2>&1 |
        sed 's/\x1b\[[0-9;]*m//g') || true
    printf '$ httpwg -a %s\n%s\n' "$1" "$(grep -E '❌|Passed' <<<"$suite")"
    passed=$(grep -oE 'Passed [0-9]+/[0-9]+' <<<"$suite" | tail -n 1)
    [[ $passed =~ ^Passed\ ([0-9]+)/([0-9]+)$ && ${BASH_REMATCH[1]} -eq ${BASH_REMATCH[2]} &&
        ${BASH_REMATCH[1]} -ge 107 ]]
}
conform "${line#listening on }"
conform "${kitchen_sink#http://}"
