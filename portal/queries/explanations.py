"""What lies beside an explanation: its words, and its documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from audits.models import Finding
from ledger import attachments
from ledger.models import Attachment
from registry.access import Reader, visible

WORDS: Final = "explanation.txt"
"""What the words of an explanation are called among its attachments."""


@dataclass(frozen=True)
class Beside:
    """Words as they were written, and documents with their digests."""

    words: str
    documents: list[tuple[Attachment, str]]


def attached_to(finding: Finding, reader: Reader) -> list[Attachment]:
    """Everything that lies beside the explanation of a finding, as far as the reader may see it."""
    if finding.explained_by_id is None:
        return []
    return list(visible(reader, Attachment).filter(statement=finding.explained_by_id).order_by("pk"))


def beside(finding: Finding, reader: Reader) -> Beside | None:
    """The same for a page; None where there is nothing."""
    found = attached_to(finding, reader)
    if not found:
        return None
    written = next((each for each in found if each.name == WORDS), None)
    return Beside(
        b"".join(attachments.content_of(written)).decode("utf-8", "replace")[:5000] if written else "",
        [(each, bytes(each.digest).hex()) for each in found if each is not written],
    )
