"""What lies beside an explanation: its words, and its documents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from audits.models import Finding
from chipledger.statements import parse_payload
from chipledger.statements.audits import FindingExplained
from ledger import attachments
from ledger.models import Attachment
from registry.access import Reader, visible

WORDS: Final = "explanation.txt"
"""What the words of an explanation are called among its attachments."""
MOST: Final = 100


@dataclass(frozen=True)
class Beside:
    """One explanation: words as they were written, and documents with their digests."""

    at: datetime
    words: str
    documents: list[tuple[Attachment, str]]


def attached_to(finding: Finding, reader: Reader) -> list[Attachment]:
    """Everything that lies beside the explanations of a finding, as far as the reader may see it, the newest first.

    A later explanation takes nothing away that an earlier one had beside it.
    """
    mine = visible(reader, Attachment).filter(statement__explains__finding=finding)
    return list(mine.select_related("statement").order_by("-statement_id", "pk")[:MOST])


def beside(finding: Finding, reader: Reader) -> list[Beside]:
    """The same for a page, by explanation."""
    return [
        _beside(list(each)) for _, each in groupby(attached_to(finding, reader), lambda one: one.statement)
    ]


def _beside(found: list[Attachment]) -> Beside:
    statement = found[0].statement
    if statement is None:
        raise ValueError("an attachment that no statement names explains nothing")
    body = parse_payload(bytes(statement.payload))
    told = body.text_sha256 if isinstance(body, FindingExplained) else None
    digests = [(each, bytes(each.digest).hex()) for each in found]
    written = next((each for each, digest in digests if digest == told), None)
    return Beside(
        statement.accepted_at,
        b"".join(attachments.content_of(written)).decode("utf-8", "replace")[:5000] if written else "",
        [(each, digest) for each, digest in digests if each is not written],
    )
