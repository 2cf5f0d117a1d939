#!/usr/bin/env bash
# Installs what the gate runs besides cargo. The argument is the folder for what is not a package
# of the system. What is there already stays.
set -euo pipefail
tools=$1

# Program, and the Debian package that has it.
packages=()
while read -r program package; do
    PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || packages+=("$package")
done <<'LIST'
curl     curl
nghttp   nghttp2-client
h2load   nghttp2-client
nghttpd  nghttp2-server
nginx    nginx
h2o      h2o
haproxy  haproxy
openssl  openssl
node     nodejs
chromium chromium
tinyproxy tinyproxy-bin
ab       apache2-utils
wrk      wrk
LIST
# What the test over OpenSSL's stream is built with.
pkg-config --exists libssl 2>/dev/null || packages+=(libssl-dev pkg-config)
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)

if ((${#packages[@]})); then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi

if ! "$tools/venv/bin/python3" -c 'import httpx, h2, hypercorn' 2>/dev/null; then
    python3 -m venv --clear "$tools/venv"
    "$tools/venv/bin/pip" install -q 'httpx[http2]==0.28.*' 'hypercorn==0.18.*'
fi

# Unoptimized, they are built in two thirds of the time, and what they do here takes a second.
if ! cargo deny --version 2>/dev/null; then
    cargo install -q --locked --debug --root "$tools/cargo-deny" cargo-deny@0.20.2
fi
# The public suite of conformance tests for servers.
if ! command -v httpwg >/dev/null; then
    cargo install -q --locked --debug --root "$tools/httpwg" httpwg-cli@0.2.5
fi
