"""What every list does alike: choose columns, page by keyset, keep views, and export exactly the rows that it shows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar

from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render

from chipledger import clock
from chipledger.refusals import Refused
from ledger import log
from portal.doorway import refusal_of
from portal.models import SavedView
from registry.access import Reader, visible
from registry.models import Role
from web.components import Column
from web.exports import Provenance, cell, csv_file, csv_line, json_file
from web.paging import CURSOR, Keyset

M = TypeVar("M", bound=Model)
CHUNK: Final = 2000
PRINTED: Final = 10_000
"""A printed list has at most so many rows."""
COLUMNS: Final = "columns"
FORMAT: Final = "format"


@dataclass(frozen=True)
class Listing:
    """A list: the name of its address, what it is called, its columns, and the stable names that head its exports."""

    name: str
    title: str
    columns: tuple[Column, ...]
    header: tuple[str, ...]

    def chosen(self, request: HttpRequest) -> tuple[Column, ...]:
        """The columns that the address asks for, in the list's own order; all, when it names none.

        Raises Refused `bad_columns` (400) for a column that the list does not have.
        """
        asked = set(filter(None, request.GET.getlist(COLUMNS)))
        if unknown := asked - {column.key for column in self.columns}:
            raise Refused(
                "bad_columns",
                "This list has no such column; choose one that it shows.",
                field=COLUMNS,
                value=min(unknown),
                status=400,
            )
        return tuple(column for column in self.columns if column.key in asked or not asked)

    def places(self, columns: Sequence[Column]) -> list[int]:
        """Which places of an export's row belong to these columns."""
        told = {name for column in columns for name in column.exports or (column.key,)}
        return [place for place, name in enumerate(self.header) if name in told]


@dataclass(frozen=True)
class ColumnChoice:
    """One column in the menu of columns."""

    column: Column
    is_shown: bool


@dataclass(frozen=True)
class ShownView:
    """A saved view in a list's menu."""

    name: str
    url: str
    is_current: bool
    is_shared: bool


def views_of(reader: Reader, listing: Listing) -> QuerySet[SavedView]:
    """The views of a list that the reader may use, by name; asked once for all that a page does with them."""
    return visible(reader, SavedView).filter(listing=listing.name).order_by("name", "pk")


def list_context(
    request: HttpRequest, reader: Reader, listing: Listing, views: Iterable[SavedView]
) -> dict[str, object]:
    """What the template of a list needs beside its rows."""
    columns = listing.chosen(request)
    shown = {column.key: column for column in columns}
    query = kept_query(request)
    return {
        "title": listing.title,
        "listing": listing,
        "columns": columns,
        "shown": shown,
        "choices": [ColumnChoice(column, column.key in shown) for column in listing.columns],
        "kept_query": query,
        "saved_views": [
            ShownView(
                view.name,
                f"?{view.query or COLUMNS}",
                is_current=view.query == query,
                is_shared=view.is_shared,
            )
            for view in views
        ],
        "sharing_refusal": refusal_of(reader, Role.SIGNATORY),
    }


def default_view(request: HttpRequest, reader: Reader, views: Iterable[SavedView]) -> HttpResponseBase | None:
    """The view by which this person opens the list, when they open it plainly and have chosen one."""
    if request.META["QUERY_STRING"] or reader.person is None:
        return None
    own = (view for view in views if view.is_default and view.person_id == reader.person.pk)
    view = next(own, None)
    return redirect(f"{request.path}?{view.query}") if view and view.query else None


def export_asked(
    request: HttpRequest,
    listing: Listing,
    rows: QuerySet[Any, M],
    keyset: Keyset,
    cells: Callable[[list[M]], Iterable[Sequence[object]]],
    *,
    form: Form | None = None,
) -> HttpResponseBase | None:
    """The rows of a list as a file or to be printed, when the address asks for it: the same filter, order and columns.

    ``cells`` makes rows under the listing's header of a few thousand rows at once. Refuses an unknown format.
    """
    asked = request.GET.get(FORMAT)
    if not asked:
        return None
    places = listing.places(listing.chosen(request))
    header = [listing.header[place] for place in places]
    lines = ([row[place] for place in places] for row in _all_rows(rows, keyset, cells))
    made = made_now(listing.title, in_words(request, form))
    return as_file(request, asked, listing.name, header, lines, made=made)


def as_file(
    request: HttpRequest,
    asked: str,
    name: str,
    header: Sequence[str],
    lines: Iterator[Sequence[object]],
    *,
    made: Provenance,
) -> HttpResponseBase:
    """Lines in the form that is asked for; raises Refused `bad_format` (400) for another."""
    match asked:
        case "csv":
            return csv_file(name, header, lines, made=made)
        case "json":
            return json_file(name, header, lines, made=made)
        case "print":
            return _printed(request, header, lines, made=made)
    raise Refused(
        "bad_format", "Ask for a list as csv, json or print.", field=FORMAT, value=asked, status=400
    )


def _all_rows(
    rows: QuerySet[Any, M], keyset: Keyset, cells: Callable[[list[M]], Iterable[Sequence[object]]]
) -> Iterator[Sequence[object]]:
    batch: list[M] = []
    for row in rows.order_by(*keyset.order).iterator(chunk_size=CHUNK):
        batch.append(row)
        if len(batch) == CHUNK:
            yield from cells(batch)
            batch = []
    yield from cells(batch)


def _printed(
    request: HttpRequest, header: Sequence[str], lines: Iterator[Sequence[object]], *, made: Provenance
) -> HttpResponseBase:
    """The rows as a page to print, with the SHA-256 of what would be their CSV."""
    rows = list(islice(lines, PRINTED + 1))
    if len(rows) > PRINTED:
        raise Refused(
            "too_long_to_print",
            f"More than {PRINTED:,} rows are not printed; narrow the filter, or take the CSV.",
            field=FORMAT,
            status=413,
        )
    digest = hashlib.sha256(csv_line(header))
    for row in rows:
        digest.update(csv_line(row))
    context = {
        "made": made,
        "header": header,
        "rows": [[cell(value) for value in row] for row in rows],
        "sha256": digest.hexdigest(),
    }
    return render(request, "portal/print.html", context)


def made_now(title: str, narrowed_to: str) -> Provenance:
    """What an export that is made now is made from: the newest checkpoint."""
    checkpoint = log.latest_checkpoint()
    return Provenance(
        title=title,
        narrowed_to=narrowed_to,
        made_at=clock.now(),
        origin=log.origin(),
        size=checkpoint.size if checkpoint else None,
        root=bytes(checkpoint.root).hex() if checkpoint else None,
    )


def in_words(request: HttpRequest, form: Form | None) -> str:
    """What a list is narrowed to, as its filter's own labels say it."""
    fields = form.fields if form is not None else {}
    said = [
        f"{field.label or name.replace('_', ' ').capitalize()}: {value}"
        for name, field in fields.items()
        for value in request.GET.getlist(name)
        if value
    ]
    return "; ".join(said) or "everything that the reader may see"


def kept_query(request: HttpRequest) -> str:
    """The part of an address that a saved view keeps: filter, order and columns, never a place in the list."""
    query = request.GET.copy()
    for name in (CURSOR, FORMAT):
        query.pop(name, None)
    return query.urlencode()
