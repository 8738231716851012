"""Posting one event to one address: no redirect, no proxy, little read, and never longer than the deadline.

Nothing here touches the database, so that it can run in threads.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpcore
import httpx
from django.utils.http import parse_http_date_safe

from chipledger.refusals import Refused
from notices.reach import LOOKUP_SECONDS, Target, addresses_of

PATIENCE_SECONDS: Final = 15.0
"""From the first look-up to the last byte; Standard Webhooks recommends 15 to 30 seconds."""
MOST_READ: Final = 1024
KEPT_BYTES: Final = 500
MOST_ASKED: Final = timedelta(days=365)
"""A receiver that asks for a longer pause is understood to ask for this one."""


@dataclass(frozen=True)
class Outcome:
    """How an attempt went: the status when there was an answer, otherwise why there was none.

    ``asked`` is how long the receiver wants to be left alone.
    """

    duration_ms: int
    status: int | None = None
    response: str = ""
    error: str = ""
    asked: timedelta = timedelta(0)

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status <= 299

    @property
    def is_gone(self) -> bool:
        """The receiver wants no more (410)."""
        return self.status == 410


def post(
    target: Target, headers: Mapping[str, str], body: bytes, *, patience: float = PATIENCE_SECONDS
) -> Outcome:
    """Post, and say how it went; whatever the other side does is an outcome and no exception."""
    began = time.monotonic()
    status, response, error, asked = None, "", "", timedelta(0)
    try:
        status, response, asked = _exchange(target, headers, body, deadline=began + patience)
        error = _complaint(status)
    except Refused as refused:
        error = refused.sentence
    except httpcore.TimeoutException:
        error = f"No answer within {patience:g} seconds."
    except httpcore.ConnectError as failure:
        error = _unconnected(failure)
    except (httpcore.NetworkError, httpcore.ProtocolError):
        error = "The connection broke, or the answer was no HTTP."
    duration = round((time.monotonic() - began) * 1000)
    return Outcome(duration, status, response, error[:200], asked)


def pause_asked_for(
    status: int, headers: Sequence[tuple[bytes, bytes]], *, at: datetime | None = None
) -> timedelta:
    """How long an answer asks us to wait, none when it does not or cannot be understood (RFC 9110, 10.2.3).

    Only "too many requests" and "unavailable" are heard. A date is held against the machine's time, ``at``, whatever
    the clock of a demo says; one that has passed asks for nothing.
    """
    said = [value.decode("latin-1").strip() for name, value in headers if name.lower() == b"retry-after"]
    if status not in (429, 503) or len(said) != 1:
        return timedelta(0)
    if said[0].isascii() and said[0].isdigit():
        seconds = int(said[0].lstrip("0")[:10] or 0)  # whatever has more digits is more than we hear
    else:
        present = at or datetime.now(UTC)
        seconds = max((parse_http_date_safe(said[0]) or 0) - int(present.timestamp()), 0)
    return min(timedelta(seconds=seconds), MOST_ASKED)


def _exchange(
    target: Target, headers: Mapping[str, str], body: bytes, *, deadline: float
) -> tuple[int, str, timedelta]:
    """The status, how the answer began, and the pause that it asks for."""
    pool = httpcore.ConnectionPool(
        ssl_context=httpx.create_ssl_context() if target.scheme == "https" else None,
        network_backend=_CheckedBackend(target, deadline),
        max_connections=1,
        retries=0,
    )
    with pool, pool.stream("POST", target.url, headers=list(headers.items()), content=body) as answer:
        found = b""
        for chunk in answer.iter_stream():
            found += chunk
            if len(found) >= MOST_READ:
                break
        text = found[:KEPT_BYTES].decode("utf-8", "replace").replace("\0", "\ufffd")
        return answer.status, text, pause_asked_for(answer.status, answer.headers)


class _CheckedBackend(httpcore.NetworkBackend):
    """Connects to an address that was checked just now, and to no other: what is looked up is what is reached.

    TLS and the Host header go on to name the host, because httpcore takes them from the URL.
    """

    def __init__(self, target: Target, deadline: float) -> None:
        self._target, self._deadline = target, deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError()
        for address in addresses_of(self._target, within=min(LOOKUP_SECONDS, _left(self._deadline))):
            try:
                stream = self._sockets.connect_tcp(address, self._target.port, timeout=_left(self._deadline))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Bounded(stream, self._deadline)
        raise failure


class _Bounded(httpcore.NetworkStream):
    """A connection on which nothing takes longer than what is left until the deadline, however slowly it drips."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout=_left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout=_left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._stream.start_tls(ssl_context, server_hostname, timeout=_left(self._deadline))
        return _Bounded(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left


def _complaint(status: int) -> str:
    if 200 <= status <= 299:
        return ""
    if 300 <= status <= 399:
        return f"The receiver answered {status} and points elsewhere; redirects are not followed. Change the URL."
    if status == 410:
        return "The receiver answered 410: it wants no more."
    return f"The receiver answered {status}; a delivery counts when the answer is 200 to 299."


def _unconnected(failure: httpcore.ConnectError) -> str:
    """Why there was no connection; httpcore keeps the cause as its argument."""
    cause = next(iter(failure.args), None)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"The certificate was not accepted: {cause.verify_message}."
    if isinstance(cause, ssl.SSLError):
        return "No secure connection could be made."
    return "The receiver did not take the connection."
