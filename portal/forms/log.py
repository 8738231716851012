"""Filters of the log's entries and checkpoints. What a reader may not read they tell as little of as the lists do."""

from __future__ import annotations

from typing import Final

from django import forms
from django.db.models import QuerySet

from chipledger.statements import KINDS
from ledger.models import Checkpoint, Entry, Statement
from portal.forms.filters import ANY, Period
from registry.access import Reader, visible

EVERY: Final = 2**62
"""A LIMIT that leaves nothing out, and has the database find the statements before the entries. Looking each entry's
statement up, it asks the rule of reading once for every entry: in a log of a million, minutes in place of a second."""


class EntryFilter(Period):
    """Entries by the kind of their statements, and by when they were accepted."""

    field_order = ("kind", "since", "until")

    kind = forms.ChoiceField(
        required=False,
        choices=[*ANY, *((kind, kind) for kind in sorted(KINDS))],
        help_text="Of statements that are yours to read; of others the log does not say it.",
    )

    def narrow(self, entries: QuerySet[Entry], reader: Reader) -> QuerySet[Entry]:
        """A kind is asked of statements that the reader may read and of no others: a row, or its absence, says nothing
        of the rest. When an entry was accepted, everybody has from the tiles."""
        said = self.answers()
        if said["kind"]:
            readable = visible(reader, Statement).filter(kind=said["kind"]).values("pk")
            entries = entries.filter(statement__in=readable[:EVERY])
        return self.within(entries, "statement__accepted_at")


class CheckpointFilter(Period):
    """Checkpoints by when they were signed."""

    def narrow(self, checkpoints: QuerySet[Checkpoint]) -> QuerySet[Checkpoint]:
        return self.within(checkpoints, "signed_at")
