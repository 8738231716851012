"""Expecting a refusal, and that nothing at all was written."""

from __future__ import annotations

from typing import Any

import pytest

from chipledger.refusals import Refused
from chipledger.statements.common import Statement as Body
from ledger.models import PendingEntry, Statement
from tests.world import Party, World


def refused(world: World, body: type[Body], expected: str, /, *, by: Party, **fields: Any) -> Refused:
    """Submit and expect this refusal."""
    before = Statement.objects.count(), PendingEntry.objects.count()
    with pytest.raises(Refused) as caught:
        world.submit(body, by=by, **fields)
    assert caught.value.code == expected, caught.value
    assert before == (Statement.objects.count(), PendingEntry.objects.count())
    return caught.value
