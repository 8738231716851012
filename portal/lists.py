"""What every list does alike: filter, page by keyset, and export exactly the rows it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase

from web.exports import csv_response
from web.paging import Keyset

M = TypeVar("M", bound=Model)
CHUNK = 2000


def wants_csv(request: HttpRequest) -> bool:
    """Whether the same rows are asked for as a file."""
    return request.GET.get("format") == "csv"


def export(
    name: str,
    header: Sequence[str],
    rows: QuerySet[Any, M],
    keyset: Keyset,
    cells: Callable[[list[M]], Iterable[Sequence[object]]],
) -> HttpResponseBase:
    """All rows of a list in the order of the page, streamed; ``cells`` makes lines of a few thousand rows at once."""

    def lines() -> Iterable[Sequence[object]]:
        batch: list[M] = []
        for row in rows.order_by(*keyset.order).iterator(chunk_size=CHUNK):
            batch.append(row)
            if len(batch) == CHUNK:
                yield from cells(batch)
                batch = []
        yield from cells(batch)

    return csv_response(f"{name}.csv", header, lines())
