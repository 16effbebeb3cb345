"""The proxies that are measured: each is told a port and two backends, and runs as one worker."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from proxy.embedded import free_port
from stack.probes import tcp_answers

READY_WITHIN = 40.0


class Peer(NamedTuple):
    """How to start one proxy: its name, whether it can be had here, and its command for (directory, port, backends)."""

    name: str
    available: Callable[[], bool]
    command: Callable[[Path, int, tuple[int, int]], tuple[list[str], dict[str, str]]]


def _nginx(directory: Path, port: int, backends: tuple[int, int]) -> tuple[list[str], dict[str, str]]:
    config = directory / "nginx.conf"
    config.write_text(
        f"""daemon off; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/nginx.log;
        events {{ worker_connections 4096; }}
        http {{ access_log {directory}/nginx-access.log;
          upstream a {{ server 127.0.0.1:{backends[0]}; keepalive 256; }}
          upstream b {{ server 127.0.0.1:{backends[1]}; keepalive 256; }}
          split_clients $http_authorization $side {{ 25% b; * a; }}
          client_body_temp_path {directory}; proxy_temp_path {directory}; fastcgi_temp_path {directory};
          uwsgi_temp_path {directory}; scgi_temp_path {directory};
          server {{ listen 127.0.0.1:{port}; keepalive_requests 1000000;
            location / {{ proxy_pass http://$side; proxy_http_version 1.1; proxy_set_header Connection "";
              proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr; }} }} }}"""
    )
    return ["nginx", "-c", str(config), "-e", str(directory / "nginx.log"), "-p", str(directory)], {}


def _haproxy(directory: Path, port: int, backends: tuple[int, int]) -> tuple[list[str], dict[str, str]]:
    config = directory / "haproxy.cfg"
    config.write_text(
        f"""global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option forwardfor
  http-reuse always
frontend f
  bind 127.0.0.1:{port}
  default_backend b
backend b
  balance hdr(Authorization)
  server a 127.0.0.1:{backends[0]} weight 75
  server b 127.0.0.1:{backends[1]} weight 25
"""
    )
    return ["haproxy", "-f", str(config)], {}


def _naive(directory: Path, port: int, backends: tuple[int, int]) -> tuple[list[str], dict[str, str]]:
    return [sys.executable, "-m", "bench.naive", str(port), str(backends[0])], {}


def _cutover(directory: Path, port: int, backends: tuple[int, int]) -> tuple[list[str], dict[str, str]]:
    config = directory / "cutover.yaml"
    config.write_text(
        f"""backends:
  a: {{ url: "http://127.0.0.1:{backends[0]}" }}
  b: {{ url: "http://127.0.0.1:{backends[1]}" }}
active: a
listen: {{ host: 127.0.0.1, edges: 1 }}
store: {{ directory: "{directory / "cutover"}" }}
"""
    )
    environment = {"PORT": str(port), "CUTOVER_CONTROL_PORT": str(free_port())}
    return [sys.executable, "-m", "proxy.cli.main", "serve", "--config", str(config)], environment


PEERS = (
    Peer("cutover", lambda: True, _cutover),
    Peer("nginx", lambda: shutil.which("nginx") is not None, _nginx),
    Peer("haproxy", lambda: shutil.which("haproxy") is not None, _haproxy),
    Peer("naive aiohttp", lambda: True, _naive),
)


@contextmanager
def running(command: list[str], environment: dict[str, str], port: int, log: Path, *also: int) -> Iterator[int]:
    """The process id of a proxy that listens on `port`, and on the other ones."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | environment)
    try:
        deadline = time.monotonic() + READY_WITHIN
        for needed in (port, *also):
            while not tcp_answers(needed)():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command[0]} did not start: {log.read_text(errors='replace')[-800:]}")
                time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)
