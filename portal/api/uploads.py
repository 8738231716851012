"""Uploading manifests, and following the jobs that book them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, cast

from django.http import StreamingHttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chipledger import base64s
from chipledger.manifests import MAX_BYTES
from chipledger.manifests.reader import empty
from jobs.actions import cancel_job
from jobs.models import Job
from jobs.queries import rejected_rows
from ledger import door, manifests
from portal.uploads import broken_off
from registry.access import check_role, get_visible, reader_of
from registry.models import Role
from web.bodies import check_length

CHUNK = 256 * 1024


class StreamParser(BaseParser):
    """Hands the body on unread, so that a large file never lies in memory."""

    media_type = "text/csv"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: object = None) -> Any:
        return stream


ManifestSerializer = inline_serializer(
    "Manifest", {"sha256": serializers.CharField(), "size": serializers.IntegerField()}
)
JobSerializer = inline_serializer(
    "Job",
    {
        "id": serializers.UUIDField(),
        "kind": serializers.CharField(),
        "state": serializers.CharField(),
        "done": serializers.IntegerField(),
        "total": serializers.IntegerField(allow_null=True),
        "result": serializers.DictField(allow_null=True),
        "problem": serializers.DictField(allow_null=True),
        "problems": serializers.ListField(child=serializers.DictField()),
        "counts": serializers.DictField(),
        "rejected_rows": serializers.CharField(allow_null=True),
    },
)


class Manifests(APIView):
    """Upload a canonical manifest before the statement that names it."""

    parser_classes = [StreamParser]

    @extend_schema(
        operation_id="upload_manifest",
        request={"text/csv": OpenApiTypes.BINARY},
        parameters=[OpenApiParameter("Manifest-Secret", str, OpenApiParameter.HEADER, required=True)],
        responses={201: ManifestSerializer},
    )
    def post(self, request: Request) -> Response:
        reader = reader_of(request)
        check_role(reader, Role.PREPARER)
        announced = check_length(request._request, limit=MAX_BYTES)
        if not announced:
            raise empty()
        secret = base64s.decode(request.headers.get("Manifest-Secret", ""), field="Manifest-Secret")
        blob = manifests.store_blob(
            reader.organisation.signer,
            chunks_of(cast("IO[bytes]", request.data), announced=announced),
            secret=secret,
            at=door.now(),
        )
        return Response({"sha256": blob.sha256, "size": blob.size}, status=201)


class JobDetail(APIView):
    """How far a job is, and what it refused."""

    @extend_schema(operation_id="read_job", responses=JobSerializer)
    def get(self, request: Request, job_id: str) -> Response:
        return Response(job_body(get_visible(reader_of(request), Job, pk=job_id)))


class JobCancel(APIView):
    """Ask a job to stop; what it has not booked it never will."""

    @extend_schema(operation_id="cancel_job", request=None, responses=JobSerializer)
    def post(self, request: Request, job_id: str) -> Response:
        reader = reader_of(request)
        job = get_visible(reader, Job, pk=job_id)
        check_role(reader, Role.PREPARER)
        cancel_job(job)
        job.refresh_from_db()
        return Response(job_body(job))


class JobRejected(APIView):
    """Every refused row as CSV: row, field, value, code, sentence."""

    @extend_schema(operation_id="read_rejected_rows", responses={(200, "text/csv"): OpenApiTypes.BINARY})
    def get(self, request: Request, job_id: str) -> StreamingHttpResponse:
        job = get_visible(reader_of(request), Job, pk=job_id)
        name = f"rejected-{job.pk}.csv"
        return StreamingHttpResponse(
            rejected_rows(job),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def job_body(job: Job) -> dict[str, Any]:
    """The job as JSON, with the first 1,000 refusals and all of them counted by code."""
    result = dict(job.result or {})
    rejected = result.pop("rejected", None) or {"counts": {}, "shown": []}
    return {
        "id": str(job.pk),
        "kind": job.kind,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "result": result or None,
        "problem": job.problem,
        "problems": rejected["shown"],
        "counts": rejected["counts"],
        "rejected_rows": reverse("api:job-rejected", args=[job.pk]) if rejected["shown"] else None,
    }


def chunks_of(stream: IO[bytes], *, announced: int) -> Iterator[bytes]:
    """A body piece by piece; raises Refused at its end when less came than was announced."""
    arrived = 0
    while chunk := stream.read(CHUNK):
        arrived += len(chunk)
        yield chunk
    if arrived != announced:
        raise broken_off()
