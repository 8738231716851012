"""Attachments over HTTP: sent before the statement that names them, given to whoever may read what it is about."""

from __future__ import annotations

from typing import IO, Any, cast

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ledger import attachments, door
from ledger.models import Attachment
from portal.api.uploads import StreamParser, chunks_of
from registry.access import check_role, get_visible, reader_of
from registry.models import Role
from web.bodies import check_length

AttachmentSerializer = inline_serializer(
    "Attachment",
    {
        "digest": serializers.CharField(help_text="SHA-256 of the salt followed by the content."),
        "salt": serializers.CharField(),
        "size": serializers.IntegerField(),
        "name": serializers.CharField(),
    },
)


class BytesParser(StreamParser):
    """Any file, unread."""

    media_type = "application/octet-stream"


class Attachments(APIView):
    """Send a document before the statement that names it."""

    parser_classes = [BytesParser]

    @extend_schema(
        operation_id="send_attachment",
        request={"application/octet-stream": {"type": "string", "format": "binary", "minLength": 1}},
        parameters=[OpenApiParameter("Attachment-Name", str, OpenApiParameter.HEADER)],
        responses={201: AttachmentSerializer},
    )
    def post(self, request: Request) -> Response:
        reader = reader_of(request)
        check_role(reader, Role.PREPARER)
        announced = check_length(request._request, limit=attachments.MAX_BYTES)
        if not announced:
            raise attachments.empty()
        kept = attachments.keep(
            reader.organisation.signer,
            chunks_of(cast("IO[bytes]", request.data), announced=announced),
            name=request.headers.get("Attachment-Name", ""),
            by=reader.pseudonym,
            at=door.now(),
        )
        return Response(_shown(kept), status=201)


class AttachmentContent(APIView):
    """One document; it is never shown in place, whatever it says of itself."""

    @extend_schema(
        operation_id="read_attachment",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, digest: str) -> StreamingHttpResponse:
        return download(get_visible(reader_of(request), Attachment, digest=bytes.fromhex(digest)))


def download(attachment: Attachment) -> StreamingHttpResponse:
    """The document as a file to keep: no type of its own, no place to run in."""
    return StreamingHttpResponse(
        attachments.content_of(attachment),
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": content_disposition_header(True, attachment.name) or "attachment",
            "Content-Length": str(attachment.size),
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
            "Salt": bytes(attachment.salt).hex(),
        },
    )


def _shown(attachment: Attachment) -> dict[str, Any]:
    return {
        "digest": bytes(attachment.digest).hex(),
        "salt": bytes(attachment.salt).hex(),
        "size": attachment.size,
        "name": attachment.name,
    }
