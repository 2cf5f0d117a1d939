"""How each server is started."""

import os
import shutil
import subprocess
from collections import namedtuple

from processes import Failure, first_line, free_port, wait_for_port

SERVERS = ["ours", "session", "hyper", "h2"]
INSTALLED = ["nghttpd", "h2o", "nginx"]

NGINX = """
daemon off; worker_processes 1; {user} pid {dir}/nginx.pid; error_log {dir}/nginx.log;
events {{ worker_connections 65536; }}
http {{
    access_log off; default_type text/plain; keepalive_requests 1000000000; keepalive_timeout 600;
    client_max_body_size 0; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi; uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
    open_file_cache max=10; sendfile on; {tls}
    ssl_protocols TLSv1.2 TLSv1.3;
    server {{
        listen 127.0.0.1:{port} http2 {ssl};
        location = / {{ return 200 "hello world"; }}
        location /bytes/ {{ root {www}; default_type application/octet-stream; }}
    }}
}}
"""

H2O = """
num-threads: 1
{user}
pid-file: {dir}/h2o.pid
error-log: {dir}/h2o.log
http2-idle-timeout: 600
http2-max-concurrent-requests-per-connection: 256
listen: {{ host: 127.0.0.1, port: {port} {ssl} }}
hosts: {{ default: {{ paths: {{ "/": {{ file.dir: {www} }} }} }} }}
"""


class Server(namedtuple("Server", "name process url")):
    @property
    def address(self):
        return self.url.split("//")[1]


def start_all(bench, scheme):
    """Starts all that are wanted and installed, on the server's core."""
    servers = []
    for name in [*SERVERS, *bench.args.also, *INSTALLED]:
        if not bench.has(name):
            continue
        if name in INSTALLED and shutil.which(name) is None:
            bench.report.say(f"({name} is not installed)")
            continue
        try:
            servers.append(start(bench, name, scheme))
        except Failure as failure:
            bench.failures.append(f"{scheme} {name}: {failure}")
    return servers


def start(bench, name, scheme="cleartext", core=None, environment=None, address="127.0.0.1:0"):
    """Starts one server. Environment variables of the peers: see peers/src/lib.rs."""
    core, tls = core or bench.server_core, scheme == "TLS"
    if name in INSTALLED:
        # These cannot tell which port the system has given them.
        port = free_port()
        process, _ = bench.spawn(command_of(bench, name, port, tls), core, f"{name}-{port}")
        wait_for_port(port, process)
        return Server(name, process, f"{'https' if tls else 'http'}://127.0.0.1:{port}")
    binary = bench.args.also.get(name) or bench.bin / f"server_{name}"
    command = [binary, address, *([bench.cert, bench.key] if tls else [])]
    process, log = bench.spawn(command, core, f"{name}-{scheme}", environment)
    return Server(name, process, first_line(process, log).split()[-1])


def command_of(bench, name, port, tls):
    if name == "nghttpd":
        windows = ["-w20", "-W24", "-m256"]
        end = [port, bench.key, bench.cert] if tls else ["--no-tls", port]
        return ["nghttpd", "-a127.0.0.1", "-n1", f"-d{bench.www}", *windows, *end]
    values = {"dir": bench.dir, "port": port, "www": bench.www, "tls": "", "ssl": "", "user": ""}
    file = bench.dir / f"{name}-{port}.conf"
    if name == "nginx":
        if tls:
            values |= {"tls": f"ssl_certificate {bench.cert}; ssl_certificate_key {bench.key};", "ssl": "ssl"}
        # Its worker would be another user, who cannot read what is here.
        if os.geteuid() == 0:
            values["user"] = "user root;"
        file.write_text(NGINX.format(**values))
        return ["nginx", "-c", file, "-e", bench.dir / "nginx.log"]
    if tls:
        values["ssl"] = f", ssl: {{ certificate-file: {bench.cert}, key-file: {bench.key}, ocsp-update-interval: 0 }}"
    if os.geteuid() == 0:
        values["user"] = "user: root"
    file.write_text(H2O.format(**values))
    return ["h2o", "-c", file]


def nghttp(*args, text=True):
    try:
        return subprocess.run(["nghttp", *args], capture_output=True, text=text, timeout=20).stdout
    except subprocess.TimeoutExpired:
        raise Failure(f"nghttp {' '.join(map(str, args))} hangs")
