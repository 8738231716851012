"""Reading what a client sends: bounded before it is read, and JSON in which nothing has two readings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from chipledger.refusals import Refused
from chipledger.strict_json import parse_object

MAX_BODY: Final = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0


def read_body(request: HttpRequest, *, limit: int) -> bytes:
    """The request's bytes, or Refused (413) when there are more than ``limit``; too many are never read."""
    check_length(request, limit=limit)
    try:
        raw = bytes(request.body)
    except RequestDataTooBig:
        raise too_large(limit) from None
    if len(raw) > limit:
        raise too_large(limit)
    return raw


def check_length(request: HttpRequest, *, limit: int) -> int:
    """The length that the request announces, or Refused when it is more than ``limit`` or not said at all."""
    announced = str(request.META.get("CONTENT_LENGTH") or "")
    if request.META.get("HTTP_TRANSFER_ENCODING"):
        raise Refused("length_required", "Send the length of the body (Content-Length).", status=411)
    length = int(announced) if announced.isdecimal() else 0
    if length > limit:
        raise too_large(limit)
    return length


def too_large(limit: int) -> Refused:
    """The refusal of a body with more than ``limit`` bytes."""
    return Refused("too_large", f"The request may have at most {limit} bytes; send less.", status=413)


class StrictJSONParser(BaseParser):
    """One JSON object, read by the same strict reader as signed payloads, of at most 3 MiB."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, object]:
        request: Request | None = (parser_context or {}).get("request")
        if request is not None:
            check_length(request._request, limit=MAX_BODY)
        return parse_object(stream.read(MAX_BODY + 1), max_bytes=MAX_BODY)


class StrictSerializer(Serializer[Any]):
    """What a request may say, and nothing beside it: an unknown member is refused by name, never passed over."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            for name in data:
                if name not in self.fields:
                    raise Refused(
                        "unknown_member",
                        "This request has no member of this name; leave it out.",
                        field=str(name),
                        status=400,
                    )
        return super().to_internal_value(data)


def read_flag(request: Request, name: str) -> bool | None:
    """`true` or `false` of the address, None where it is not asked; anything else is refused."""
    asked = request.query_params.get(name)
    if asked not in (None, "true", "false"):
        raise Refused("bad_flag", "Say true or false.", field=name, value=asked, status=400)
    return None if asked is None else asked == "true"


class OneFormat(BaseContentNegotiation):
    """Every address answers in its own one format, whatever the client would rather have."""

    def select_parser(self, request: Request, parsers: Any) -> BaseParser | None:
        # Parameters such as a charset do not make another format.
        sent = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == sent), None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type
