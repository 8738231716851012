"""The log of readings: whatever page, API or export an authority opens, it is kept that rows of others were read."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from chipledger import clock
from registry.access import READER, Reader
from registry.actions.readings import note_reading

Respond = Callable[[HttpRequest], HttpResponseBase]


class ReadLog:
    """Notes each answer to a regulator that was made from rows which it sees by office, before the answer leaves.

    Other organisations see only what they are a party of. An answer that cannot be noted is not given.
    """

    def __init__(self, respond: Respond) -> None:
        self._respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._respond(request)
        reader = request.META.get(READER)
        if isinstance(reader, Reader) and reader.is_regulator and reader.asked and response.status_code < 400:
            note_reading(reader, address=request.get_full_path(), at=clock.now())
        return response
