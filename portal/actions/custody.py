"""Papers about one's own chips at a site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ledger.models import Key
from portal.actions.drafts import prepare_draft
from portal.actions.selections import chips_of
from portal.models import Draft, Selection
from registry.access import Reader, check_role
from registry.models import Role


def prepare_custody(
    kind: str,
    said: Mapping[str, str],
    selection: Selection,
    *,
    keys: Sequence[Key],
    by: Reader,
    at: datetime,
) -> Draft:
    """The paper that says what became of exactly the chips that were frozen."""
    check_role(by, Role.PREPARER)
    fields: dict[str, object] = {**said, **chips_of(selection, by=by, at=at)}
    return prepare_draft(kind, fields, keys=keys, by=by, at=at)
