"""Statements as lines of a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chipledger.entries import Commitment
from chipledger.statements import parse_payload
from ledger.models import Entry, Statement
from portal.papers import describe
from registry.access import Reader, visible


@dataclass(frozen=True)
class Line:
    """A statement in one line."""

    statement: Statement
    digest: str
    title: str
    position: int | None


def titled(statements: Sequence[Statement]) -> list[Line]:
    """Statements with their titles; come with ``signer`` and ``entry`` selected."""
    lines = []
    for statement in statements:
        entry = getattr(statement, "entry", None)
        lines.append(
            Line(
                statement,
                bytes(statement.digest).hex(),
                describe(parse_payload(bytes(statement.payload))).title,
                None if entry is None else entry.position,
            )
        )
    return lines


@dataclass(frozen=True)
class EntryLine:
    """An entry of the log in one line. ``title`` and ``kind`` are empty when the reader may not read its statement."""

    position: int
    accepted_at: datetime
    digest: str
    leaf_hash: str
    title: str
    kind: str


def entry_lines(entries: Sequence[Entry], *, reader: Reader) -> list[EntryLine]:
    """Entries with what everybody may know of them, and the titles of those statements that the reader may read."""
    numbers = [entry.statement_id for entry in entries]
    statements = {found.pk: found for found in visible(reader, Statement).filter(pk__in=numbers)}
    lines = []
    for entry in entries:
        commitment = Commitment.parse(bytes(entry.data))
        statement = statements.get(entry.statement_id)
        lines.append(
            EntryLine(
                entry.position,
                commitment.accepted_at,
                commitment.digest.hex(),
                bytes(entry.leaf_hash).hex(),
                describe(parse_payload(bytes(statement.payload))).title if statement else "",
                statement.kind if statement else "",
            )
        )
    return lines
