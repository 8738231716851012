"""The log, to be walked through: statements, entries by their position, checkpoints. What a reader may not read shows
only the commitment that everybody gets from the tiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chipledger.entries import FULL, Commitment
from ledger import log
from ledger.log_key import note_key
from ledger.models import Checkpoint, Entry, Statement
from portal.doorway import page
from portal.forms.log import CheckpointFilter, EntryFilter
from portal.lists import Listing, default_view, export_asked, list_context, views_of
from portal.queries.statements import entry_lines, titled
from registry.access import Reader, visible
from web.components import Column
from web.paging import Keyset

STATEMENTS = Keyset(("-id",))
ENTRIES = Keyset(("-position",))
CHECKPOINTS = Keyset(("-size",))
COLUMNS = (
    Column("Accepted"),
    Column("Paper"),
    Column("Kind"),
    Column("Signed by"),
    Column("Log №", numeric=True),
)
ENTRY_LISTING = Listing(
    "log-entries",
    "Log entries",
    (
        Column("Log №", numeric=True, key="position"),
        Column("Accepted", key="accepted_at"),
        Column("Paper", key="paper"),
        Column("Kind", key="kind"),
        Column("Digest", key="digest"),
        Column("Leaf hash", key="leaf_hash"),
    ),
    ("position", "accepted_at", "paper", "kind", "digest", "leaf_hash"),
)
CHECKPOINT_LISTING = Listing(
    "log-checkpoints",
    "Checkpoints",
    (
        Column("Size", numeric=True, key="size"),
        Column("Signed", key="signed_at"),
        Column("Root hash", key="root"),
    ),
    ("size", "signed_at", "root"),
)


@require_safe
@page
def log_page(request: HttpRequest, reader: Reader) -> HttpResponse:
    """The log: its key, its newest checkpoint, and the statements the reader may see."""
    found = STATEMENTS.page(visible(reader, Statement).select_related("signer", "entry"), request)
    context = {
        "title": "Log",
        "origin": log.origin(),
        "vkey": note_key().vkey,
        "checkpoint": log.latest_checkpoint(),
        "page": found,
        "rows": titled(found.items),
        "columns": COLUMNS,
    }
    return render(request, "portal/log.html", context)


@require_safe
@page
def entries(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Every entry of the log, the newest first."""
    views = views_of(reader, ENTRY_LISTING)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    form = EntryFilter(request.GET)
    rows = form.narrow(Entry.objects.all(), reader)
    file = export_asked(
        request, ENTRY_LISTING, rows, ENTRIES, lambda batch: _entry_cells(batch, reader), form=form
    )
    if file is not None:
        return file
    found = ENTRIES.page(rows, request)
    context = list_context(request, reader, ENTRY_LISTING, views) | {
        "form": form,
        "page": found,
        "rows": entry_lines(found.items, reader=reader),
    }
    return render(request, "portal/log_entries.html", context)


@require_safe
@page
def entry(request: HttpRequest, reader: Reader, position: int) -> HttpResponse:
    """One entry: its bytes, and the statement behind it where the reader may see it."""
    found = Entry.objects.filter(position=position).first() if position < 2**63 else None
    if found is None:
        raise Http404
    data = bytes(found.data)
    line = entry_lines([found], reader=reader)[0]
    newest = log.latest_checkpoint()
    context = {
        "title": f"Log entry {position}",
        "line": line,
        "position": position,
        "vkey": note_key().vkey,
        "is_published": newest is not None and position < newest.size,
        "is_full": data[0] == FULL,
        "head": data[:41].hex(),
        "envelope": (Commitment.parse(data).envelope or b"").decode("utf-8", "backslashreplace"),
        "earlier": position - 1 if position else None,
        "later": position + 1 if Entry.objects.filter(position=position + 1).exists() else None,
    }
    return render(request, "portal/log_entry.html", context)


@require_safe
@page
def checkpoints(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """What the log signed about itself, the newest first."""
    views = views_of(reader, CHECKPOINT_LISTING)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    form = CheckpointFilter(request.GET)
    rows = form.narrow(Checkpoint.objects.all())
    file = export_asked(
        request, CHECKPOINT_LISTING, rows, CHECKPOINTS, lambda batch: map(_signed_cells, batch), form=form
    )
    if file is not None:
        return file
    found = CHECKPOINTS.page(rows, request)
    context = list_context(request, reader, CHECKPOINT_LISTING, views) | {
        "form": form,
        "page": found,
        "rows": [(each, bytes(each.root).hex()) for each in found.items],
    }
    return render(request, "portal/checkpoints.html", context)


def _entry_cells(entries: Sequence[Entry], reader: Reader) -> Iterator[tuple[object, ...]]:
    for line in entry_lines(entries, reader=reader):
        yield line.position, line.accepted_at, line.title, line.kind, line.digest, line.leaf_hash


def _signed_cells(checkpoint: Checkpoint) -> tuple[object, ...]:
    return checkpoint.size, checkpoint.signed_at, bytes(checkpoint.root).hex()
