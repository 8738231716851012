"""The log of readings: whatever page, API or export an authority opens, it is kept that rows of others were read."""

from __future__ import annotations

from collections.abc import Callable
from http.client import NOT_FOUND

from django.http import HttpRequest, HttpResponseBase

from chipledger import clock
from registry.access import READER, Reader
from registry.actions.readings import note_reading
from web.refusals import PROBLEM_TYPE

Respond = Callable[[HttpRequest], HttpResponseBase]


class ReadLog:
    """Notes each answer to a regulator that was made from rows which it sees by office, before the answer leaves.

    Other organisations see only what they are a party of. An answer that cannot be noted is not given. A page that
    refuses a form shows its rows all the same; a problem of the API, and what does not exist, tells nothing.
    """

    def __init__(self, respond: Respond) -> None:
        self._respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._respond(request)
        reader = request.META.get(READER)
        if isinstance(reader, Reader) and reader.is_regulator and reader.asked and _tells_rows(response):
            note_reading(reader, address=request.get_full_path(), at=clock.now())
        return response


def _tells_rows(response: HttpResponseBase) -> bool:
    return response.status_code != NOT_FOUND and response.headers.get("Content-Type") != PROBLEM_TYPE
