"""A program that calls API v1 with a token, and what it expects of every problem."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.test import Client

from chipledger import clock
from registry.actions.tokens import issue_token
from tests.world import Party

API = "/api/v1"


class Caller:
    """One organisation's program. ``raises`` is off: a failure of the server is an answer, too."""

    def __init__(self, party: Party | None, scopes: Sequence[str] = ("read", "write")) -> None:
        self._client = Client(raise_request_exception=False)
        if party is not None:
            self.secret = issue_token(
                party.organisation,
                by=None,
                label="test",
                scopes=scopes,
                at=clock.now(),
                lifetime=timedelta(days=1),
            )
            self._client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {self.secret}"

    def get(self, path: str, **more: Any) -> Any:
        return self._client.get(address(path), **more)

    def post(self, path: str, body: object = b"", content_type: str = "application/json", **more: Any) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._client.generic("POST", address(path), raw, content_type=content_type, **more)

    def request(self, method: str, path: str, **more: Any) -> Any:
        return self._client.generic(method, address(path), **more)


def address(path: str) -> str:
    """A path under the API, or a whole address as a list's ``next`` gives it."""
    path = path.removeprefix("http://testserver")
    return path if path.startswith(API) else API + path


def problem_of(answer: Any) -> dict[str, Any]:
    """The problem details of an answer; fails when they are none (RFC 9457)."""
    assert answer["Content-Type"] == "application/problem+json", (answer.status_code, answer.content)
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["title"]
    assert problem["type"] == f"urn:chipledger:refusal:{problem['code']}"
    return problem


def refused(answer: Any) -> tuple[int, str]:
    """Status and code of a problem."""
    problem = problem_of(answer)
    return problem["status"], problem["code"]
