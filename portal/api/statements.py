"""Filing statements and reading them back with their proofs."""

from __future__ import annotations

from functools import partial

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chipledger import base64s
from chipledger.dsse import MAX_ENVELOPE_BYTES
from chipledger.refusals import Refused
from chipledger.statements.common import Statement as Body
from chipledger.statements.common import format_instant
from chipledger.strict_json import parse_object
from ledger import door, log
from ledger.bundles import bundle_of
from ledger.models import Statement
from ledger.signatures import envelope_of
from portal.api.outcomes import OutcomeSerializer, outcome_body, outcome_status, position_of
from registry.access import Reader, check_role, get_visible, reader_of
from registry.models import Role
from web.bodies import MAX_BODY, read_body

MAX_BATCH = 100
EVIDENCE = "evidence."

EnvelopeSerializer = inline_serializer(
    "Envelope",
    {
        "payloadType": serializers.CharField(),
        "payload": serializers.CharField(help_text="base64 of the exact payload"),
        "signatures": serializers.ListField(child=serializers.DictField()),
    },
)
BatchSerializer = inline_serializer(
    "Batch",
    {
        "envelopes": serializers.ListField(
            child=serializers.CharField(help_text="base64 of an envelope's JSON"),
            min_length=1,
            max_length=MAX_BATCH,
        ),
        "atomic": serializers.BooleanField(default=False),
    },
)
BatchOutcomeSerializer = inline_serializer(
    "BatchOutcome", {"outcomes": serializers.ListField(child=serializers.DictField())}
)
StatementSerializer = inline_serializer(
    "Statement",
    {
        "digest": serializers.CharField(),
        "kind": serializers.CharField(),
        "accepted_at": serializers.DateTimeField(),
        "position": serializers.IntegerField(allow_null=True),
        "envelope": serializers.CharField(help_text="base64 of the envelope's JSON"),
        "verdict": serializers.DictField(),
    },
)


class Statements(APIView):
    """File one signed statement."""

    @extend_schema(
        operation_id="file_statement",
        request=EnvelopeSerializer,
        responses={200: OutcomeSerializer, 201: OutcomeSerializer, 202: OutcomeSerializer},
    )
    def post(self, request: Request) -> Response:
        raw = read_body(request._request, limit=MAX_ENVELOPE_BYTES)
        outcome = door.submit(raw, check=partial(check_may_hand_in, reader=reader_of(request)))
        return Response(outcome_body(outcome), status=outcome_status(outcome))


class StatementBatch(APIView):
    """File several signed statements: each with its own verdict, or all or none."""

    @extend_schema(operation_id="file_statements", request=BatchSerializer, responses=BatchOutcomeSerializer)
    def post(self, request: Request) -> Response:
        members = parse_object(read_body(request._request, limit=MAX_BODY), max_bytes=MAX_BODY)
        envelopes, atomic = members.get("envelopes"), members.get("atomic", False)
        if (
            not isinstance(envelopes, list)
            or not 1 <= len(envelopes) <= MAX_BATCH
            or not all(isinstance(each, str) for each in envelopes)
            or not isinstance(atomic, bool)
            or members.keys() - {"envelopes", "atomic"}
        ):
            raise Refused(
                "bad_batch",
                f"Send 1 to {MAX_BATCH} `envelopes` (texts), a flag `atomic`, and nothing else.",
                status=400,
            )
        raws = [
            base64s.decode_either(each, field=f"envelopes.{place}") for place, each in enumerate(envelopes)
        ]
        check = partial(check_may_hand_in, reader=reader_of(request))
        outcomes = [
            {"state": "refused", "problem": outcome.as_problem()}
            if isinstance(outcome, Refused)
            else outcome_body(outcome)
            for outcome in door.submit_many(raws, atomic=atomic, check=check)
        ]
        return Response({"outcomes": outcomes})


class StatementDetail(APIView):
    """One statement, byte for byte."""

    @extend_schema(operation_id="read_statement", responses=StatementSerializer)
    def get(self, request: Request, digest: str) -> Response:
        statement = find_statement(request, digest)
        return Response(
            {
                "digest": digest,
                "kind": statement.kind,
                "accepted_at": format_instant(statement.accepted_at),
                "position": position_of(statement),
                "envelope": base64s.encode(envelope_of(statement).to_json()),
                "verdict": statement.verdict,
            }
        )


class StatementReceipt(APIView):
    """The log receipt of a statement (c2sp.org/tlog-proof@v1)."""

    @extend_schema(operation_id="read_receipt", responses={(200, "text/plain"): OpenApiTypes.STR})
    def get(self, request: Request, digest: str) -> HttpResponse:
        receipt = log.receipt_of(find_statement(request, digest))
        if receipt is None:
            raise log.not_integrated()
        return HttpResponse(receipt.to_text(), content_type="text/plain; charset=utf-8")


class StatementBundle(APIView):
    """The evidence bundle of a statement, which `chipledger verify` checks offline."""

    @extend_schema(operation_id="read_bundle", responses={(200, "application/json"): OpenApiTypes.OBJECT})
    def get(self, request: Request, digest: str) -> HttpResponse:
        bundle = bundle_of([find_statement(request, digest)])
        return HttpResponse(bundle.to_json(), content_type="application/json")


def find_statement(request: Request, digest: str) -> Statement:
    """A statement that this reader may see, or 404."""
    return get_visible(reader_of(request), Statement, digest=bytes.fromhex(digest))


def check_may_hand_in(body: Body, *, reader: Reader) -> None:
    """Refuse an envelope that speaks for another organisation, or that a gateway's token may not file."""
    check_role(reader, Role.PREPARER)
    if "write" not in reader.scopes and not body.kind.startswith(EVIDENCE):
        raise Refused(
            "scope_too_narrow",
            "This token files evidence only; use one with the scope write.",
            field="kind",
            value=body.kind,
            status=403,
        )
    organisation = body.signers[0].organisation
    if organisation != reader.handle:
        raise Refused(
            "submitted_for_another",
            "This statement speaks for another organisation than the one you act for; file it as that one.",
            field="signers.organisation",
            value=organisation,
            status=403,
        )
