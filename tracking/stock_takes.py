"""Counts of sites over HTTP: the list, one with its totals, and the chips by which it differs from the book."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chipledger.statements.common import format_instant
from registry.access import get_visible, reader_of, visible
from tracking.models import StockCount, StockDifference
from tracking.queries.stock_counts import with_places
from tracking.shown import Object, text_parameter
from web.bodies import read_flag
from web.paging import Keyset, KeysetPagination


class StockTakeShown(serializers.Serializer[StockCount]):
    """A count, known by the digest of its statement; `expected` is what the book had at the site at `counted_at`."""

    digest = serializers.CharField()
    organisation = serializers.CharField()
    site = serializers.CharField()
    method = serializers.ChoiceField(StockCount.Method.choices)
    counted_at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()
    expected = serializers.IntegerField()
    found = serializers.IntegerField()
    missing = serializers.IntegerField()
    unexpected = serializers.IntegerField()


class StockLineShown(serializers.Serializer[StockDifference]):
    """A chip by which a count differs; whether one of that name exists is not told with a claim."""

    kind = serializers.ChoiceField(StockDifference.Kind.choices)
    chip = serializers.CharField()


class StockTakeInFull(StockTakeShown):
    """A count with its first differences, and where the others are."""

    lines = StockLineShown(many=True)
    lines_url = serializers.URLField()


class StockTakesView(ListAPIView[StockCount]):
    """Counts of sites that you may see, newest first."""

    pagination_class = KeysetPagination
    serializer_class = StockTakeShown
    keyset = Keyset(("-pk",))

    @extend_schema(
        operation_id="list_stock_takes",
        parameters=[
            text_parameter("site", "Code of the site that was counted."),
            text_parameter("differs", "Those that differ from the book, or the others.", ["true", "false"]),
        ],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(_counts(request)) or []
        return self.get_paginated_response([_show(counted) for counted in page])


class StockTakeView(APIView):
    """One count."""

    @extend_schema(responses=StockTakeInFull, operation_id="get_stock_take")
    def get(self, request: Request, digest: str) -> Response:
        """A count that you may see, with its totals and its first differences."""
        counted = _count(request, digest)
        lines = _lines(request, counted).order_by("pk")[: StockTakeLinesView.pagination_class.page_size]
        return Response(
            {
                **_show(counted),
                "lines": [_show_line(line) for line in lines],
                "lines_url": f"{request.build_absolute_uri(request.path)}/lines",
            }
        )


class StockTakeLinesView(ListAPIView[StockDifference]):
    """The chips by which a count differs from the book."""

    pagination_class = KeysetPagination
    serializer_class = StockLineShown
    keyset = Keyset(("pk",))

    @extend_schema(operation_id="list_stock_take_lines")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(_lines(request, _count(request, kwargs["digest"]))) or []
        return self.get_paginated_response([_show_line(line) for line in page])


def _counts(request: Request) -> QuerySet[StockCount]:
    found = with_places(visible(reader_of(request), StockCount))
    if site := request.query_params.get("site", ""):
        found = found.filter(site__code=site)
    if (differs := read_flag(request, "differs")) is not None:
        apart = Q(missing__gt=0) | Q(unexpected__gt=0)
        found = found.filter(apart if differs else ~apart)
    return found


def _count(request: Request, digest: str) -> StockCount:
    reader = reader_of(request)
    found = get_visible(reader, StockCount, statement__digest=bytes.fromhex(digest))
    return with_places(visible(reader, StockCount)).get(pk=found.pk)


def _lines(request: Request, counted: StockCount) -> QuerySet[StockDifference]:
    return visible(reader_of(request), StockDifference).filter(count=counted)


def _show(counted: StockCount) -> Object:
    return {
        "digest": bytes(counted.statement.digest).hex(),
        "organisation": counted.organisation.signer.handle,
        "site": counted.site.code,
        "method": counted.method,
        "counted_at": format_instant(counted.counted_at),
        "recorded_at": format_instant(counted.recorded_at),
        "expected": counted.expected,
        "found": counted.found,
        "missing": counted.missing,
        "unexpected": counted.unexpected,
    }


def _show_line(line: StockDifference) -> Object:
    return {"kind": line.kind, "chip": line.name}
