"""A receiver of webhooks on this machine, that verifies signatures from the words of the specification alone."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Received:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Where it listens, what came in, and how it answers: each of ``answers`` once, then always the last."""

    url: str
    received: list[Received] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def ids(self) -> list[str]:
        return [each.headers["webhook-id"] for each in self.received]


def status(code: int, body: bytes = b"", **headers: str) -> Answer:
    """Answer with a status."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def megabytes(handler: BaseHTTPRequestHandler) -> None:
    """Answer 200 and send for as long as anybody listens."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(4096):
        handler.wfile.write(b"x" * 65536)


def hang(handler: BaseHTTPRequestHandler) -> None:
    """Say nothing for longer than anybody waits."""
    time.sleep(3)


def drip(handler: BaseHTTPRequestHandler) -> None:
    """Send a header that never ends, a letter at a time, so that no single read waits long."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(100):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.1)


def nonsense(handler: BaseHTTPRequestHandler) -> None:
    """Answer something that is no HTTP."""
    handler.wfile.write(b"hello\r\n\r\n")


@contextlib.contextmanager
def listening(*answers: Answer, tls: ssl.SSLContext | None = None, host: str = "") -> Iterator[Receiver]:
    """A receiver for as long as the block lasts; 204 unless it is told otherwise."""
    receiver = Receiver("", answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            with receiver.lock:
                receiver.received.append(found)
                number = len(receiver.received) - 1
            answer = (
                receiver.answers[min(number, len(receiver.answers) - 1)] if receiver.answers else status(204)
            )
            with contextlib.suppress(OSError):
                answer(self)

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that hangs up is what some tests are about

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver.url = f"{'https' if tls else 'http'}://{host or '127.0.0.1'}:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def verifies(received: Received, secret: str) -> bool:
    """Whether one of the signatures is right under this secret (Standard Webhooks 1.0.0, "Signature scheme")."""
    key = base64.b64decode(secret.split("_", 1)[1])
    signed = b".".join(
        (
            received.headers["webhook-id"].encode(),
            received.headers["webhook-timestamp"].encode(),
            received.body,
        )
    )
    right = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    said = [each.partition(",") for each in received.headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(value, right) for version, _, value in said)
