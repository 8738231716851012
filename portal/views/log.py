"""The log, to be walked through: statements, entries by their position, checkpoints. What a reader may not read shows
only the commitment that everybody gets from the tiles.
"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chipledger.entries import FULL, Commitment
from ledger import log
from ledger.log_key import note_key
from ledger.models import Checkpoint, Entry, Statement
from portal.doorway import page
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
ENTRY_COLUMNS = (
    Column("Log №", numeric=True),
    Column("Accepted"),
    Column("Paper"),
    Column("Digest"),
    Column("Leaf hash"),
)
CHECKPOINT_COLUMNS = (Column("Size", numeric=True), Column("Signed"), Column("Root hash"))


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
def entries(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Every entry of the log, the newest first."""
    found = ENTRIES.page(Entry.objects.all(), request)
    context = {
        "title": "Log entries",
        "page": found,
        "rows": entry_lines(found.items, reader=reader),
        "columns": ENTRY_COLUMNS,
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
def checkpoints(request: HttpRequest, reader: Reader) -> HttpResponse:
    """What the log signed about itself, the newest first."""
    found = CHECKPOINTS.page(Checkpoint.objects.all(), request)
    context = {
        "title": "Checkpoints",
        "page": found,
        "rows": [(each, bytes(each.root).hex()) for each in found.items],
        "columns": CHECKPOINT_COLUMNS,
    }
    return render(request, "portal/checkpoints.html", context)
