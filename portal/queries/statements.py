"""Statements as lines of a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chipledger.statements import parse_payload
from ledger.models import Statement
from portal.papers import describe


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
