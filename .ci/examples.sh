#!/usr/bin/env bash
# Runs the examples as a reader of the README would, after `cargo test` has built them.
set -euo pipefail

output=$(mktemp)
server=
trap 'kill "$server" 2>/dev/null || true; rm -f "$output"' EXIT

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

expect 'Hello, HTTP/2!' cargo run -q --example hello
expect 'GOAWAY' cargo run -q --example sans_io

cargo build -q --example session_server
target=$(cargo metadata --no-deps --format-version 1 |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
# The server tells where it listens, and we read that line before going on.
exec {lines}< <(exec "$target/debug/examples/session_server" 127.0.0.1:0)
server=$!
read -r -t 10 -u "$lines" line
url=http://${line#listening on }
printf 'session_server: %s\n' "$url"

curl=(curl -sS --max-time 30 --http2-prior-knowledge)
expect 'HTTP/2 200' "${curl[@]}" -i "$url/"
expect 'HTTP/2 200' "${curl[@]}" -I "$url/"
expect "$(wc -c <Cargo.toml) octets" "${curl[@]}" --data-binary @Cargo.toml "$url/upload"
expect 'Hello, HTTP/2!' cargo run -q --example session_client -- "$url/"

# The public suite httpwg, one connection at a time, against the example; all of its cases pass.
suite=$(SEQUENTIAL=1 RUST_LOG=off NO_COLOR=1 timeout 300 httpwg -a "${line#listening on }" 2>&1 |
    sed 's/\x1b\[[0-9;]*m//g') || true
printf '$ httpwg\n%s\n' "$(grep -E '❌|Passed' <<<"$suite")"
passed=$(grep -oE 'Passed [0-9]+/[0-9]+' <<<"$suite" | tail -n 1)
[[ $passed =~ ^Passed\ ([0-9]+)/([0-9]+)$ && ${BASH_REMATCH[1]} -eq ${BASH_REMATCH[2]} &&
    ${BASH_REMATCH[1]} -ge 107 ]]
