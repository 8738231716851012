"""The HTTP side of the command: the API's answers as values, its problems as refusals."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from chipledger import base64s
from chipledger.refusals import Refused
from chipledger.statements.common import ManifestRef

_TIMEOUT: Final = httpx.Timeout(60, read=300)
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_POLL: Final = (0.2, 2.0)
_FINAL: Final = frozenset({"succeeded", "failed", "cancelled"})


class Api:
    """One server's API v1. A token is never sent in the clear, except to this machine."""

    def __init__(self, server: str, token: str | None) -> None:
        found = urlsplit(server)
        if found.scheme != "https" and not (found.scheme == "http" and found.hostname in _LOOPBACK):
            raise Refused(
                "server_not_secure",
                "Name the server by an address that starts with https://.",
                field="server",
                value=server,
            )
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=f"{server.rstrip('/')}/api/v1/", headers=headers, timeout=_TIMEOUT)

    def log_origin(self) -> str:
        """The name of the server's log: the first line of its checkpoint."""
        return self.text("log/checkpoint").partition("\n")[0]

    def submit(self, envelope: bytes) -> dict[str, object]:
        """File one envelope: accepted, known already, or queued as a job."""
        return self._json(
            "POST", "statements", content=envelope, headers={"Content-Type": "application/json"}
        )

    def upload_manifest(self, path: Path, secret: bytes, expected: ManifestRef) -> None:
        """Send a canonical manifest, and refuse when the server counted something else than we did."""
        headers = {"Content-Type": "text/csv", "Manifest-Secret": base64s.encode(secret)}
        with path.open("rb") as file:
            answer = self._json("POST", "manifests", content=file, headers=headers)
        for name, value in expected.model_dump().items():
            if answer.get(name, value) != value:
                raise Refused(
                    "manifest_differs",
                    "The server received another file; upload it again.",
                    field=name,
                    value=str(answer[name]),
                )

    def wait_for_job(self, job: str, on_progress: Callable[[dict[str, object]], None]) -> dict[str, object]:
        """Follow a job to its end."""
        pause, longest = _POLL
        while True:
            found = self.get(f"jobs/{job}")
            on_progress(found)
            if found.get("state") in _FINAL:
                return found
            time.sleep(pause)
            pause = min(pause * 1.5, longest)

    def get(self, path: str) -> dict[str, object]:
        return self._json("GET", path)

    def post(self, path: str, members: dict[str, object]) -> dict[str, object]:
        return self._json("POST", path, json=members)

    def download(self, path: str, to: Path) -> None:
        """Stream an answer to a file."""
        try:
            with self._http.stream("GET", path) as answer, to.open("wb") as file:
                if not answer.is_success:
                    answer.read()
                    raise refusal_of(answer)
                for chunk in answer.iter_bytes():
                    file.write(chunk)
        except httpx.HTTPError as error:
            raise _unreachable(error) from None

    def text(self, path: str) -> str:
        return self._send("GET", path).text

    def _json(self, method: str, path: str, **request: object) -> dict[str, object]:
        return _object_in(self._send(method, path, **request))

    def _send(self, method: str, path: str, **request: object) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **request)  # type: ignore[arg-type] # passed on as they came
        except httpx.HTTPError as error:
            raise _unreachable(error) from None
        if answer.is_success:
            return answer
        raise refusal_of(answer)


def _unreachable(error: httpx.HTTPError) -> Refused:
    return Refused(
        "server_unreachable",
        f"The server does not answer: {error}. See that its address is right, then try again.",
        status=503,
    )


def refusal_of(answer: httpx.Response) -> Refused:
    """The refusal in a problem (RFC 9457), or one that says what came instead."""
    status = answer.status_code
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        return problem_refusal(_object_in(answer), status=status)
    return Refused(
        "server_error",
        f"The server answered {status} {answer.reason_phrase}. Try again later."
        if answer.is_server_error or status == httpx.codes.TOO_MANY_REQUESTS
        else f"The server answered {status} {answer.reason_phrase}. See that its address and the token are right.",
        status=status,
    )


def _object_in(answer: httpx.Response) -> dict[str, object]:
    """The JSON object a server answered. Nobody signed it: it may hold what a payload may not, like fractions."""
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused(
            "server_error",
            "The server's answer is no JSON object; see that its address is right.",
            status=answer.status_code,
        )
    return found


def problem_refusal(problem: dict[str, object], *, status: int = 422) -> Refused:
    row, field, value = problem.get("row"), problem.get("field"), problem.get("value")
    return Refused(
        str(problem.get("code", "server_error")),
        str(problem.get("title", "The server refused without saying why; ask its operator.")),
        row=row if isinstance(row, int) else None,
        field=None if field is None else str(field),
        value=None if value is None else str(value),
        status=status,
    )
