"""The public log under API v1: the newest checkpoint, and proofs of inclusion and of growth. Open to everybody."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from chipledger.refusals import Refused
from ledger import log, views
from ledger.models import Entry

DIGEST = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
SIZE = {"type": "integer", "minimum": 1}
TEXT = {(200, "text/plain"): OpenApiTypes.STR}


class PublicView(APIView):
    """Answers anybody, and does not look at tokens."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class LogCheckpoint(PublicView):
    """The newest signed checkpoint (c2sp.org/tlog-checkpoint)."""

    @extend_schema(operation_id="read_checkpoint", responses=TEXT, auth=[])
    def get(self, request: Request) -> HttpResponse:
        return views.checkpoint(request._request)


class LogInclusion(PublicView):
    """The log receipt of a statement by its digest (c2sp.org/tlog-proof@v1)."""

    @extend_schema(
        operation_id="prove_inclusion",
        parameters=[
            OpenApiParameter("digest", DIGEST, required=True, description="Digest of the statement.")
        ],
        responses=TEXT,
        auth=[],
    )
    def get(self, request: Request) -> HttpResponse:
        asked = request.query_params.get("digest", "")
        try:
            digest = bytes.fromhex(asked)
        except ValueError:
            digest = b""
        if len(digest) != 32 or asked != digest.hex():
            raise Refused(
                "bad_digest",
                "Write a digest as 64 hexadecimal digits in lower case.",
                field="digest",
                value=asked,
                status=400,
            )
        entry = Entry.objects.select_related("statement").filter(statement__digest=digest).first()
        receipt = log.receipt_of(entry.statement) if entry else None
        if receipt is None:
            raise Refused(
                "not_in_the_log",
                "The log has no entry of this digest; check it against the statement's.",
                field="digest",
                status=404,
            )
        return HttpResponse(receipt.to_text(), content_type="text/plain; charset=utf-8")


class LogConsistency(PublicView):
    """The proof that the log at ``new`` extends the log at ``old``: one base64 hash a line (RFC 9162 §2.1.4)."""

    @extend_schema(
        operation_id="prove_consistency",
        parameters=[
            OpenApiParameter("old", SIZE, required=True, description="Size of the earlier log."),
            OpenApiParameter("new", SIZE, required=True, description="Size of the later log."),
        ],
        responses=TEXT,
        auth=[],
    )
    def get(self, request: Request) -> HttpResponse:
        return views.consistency(request._request)
