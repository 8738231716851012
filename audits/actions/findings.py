"""What people make of findings: explanations and decisions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from audits.models import Explanation, Finding
from ledger.models import Statement


def explain_finding(uid: UUID, *, root_cause: str, by: Statement, at: datetime) -> None:
    """Keep the cited party's explanation; the finding stays open until it clears or is decided."""
    Explanation.objects.create(finding=Finding.objects.get(uid=uid), statement=by)
    explained = Finding.objects.filter(uid=uid, closed_at__isnull=True).update(
        state=Finding.State.EXPLAINED, root_cause=root_cause, explained_by=by, explained_at=at
    )
    if explained != 1:
        raise RuntimeError(f"explained {explained} findings instead of one")


def decide_finding(uid: UUID, *, decision: str, by: Statement, at: datetime) -> None:
    """Close a finding as a regulator decided; a false alarm counts against its rule's precision."""
    decided = Finding.objects.filter(uid=uid, closed_at__isnull=True).update(
        state=Finding.State.CLOSED, closing=decision, closed_by=by, closed_at=at
    )
    if decided != 1:
        raise RuntimeError(f"decided {decided} findings instead of one")
