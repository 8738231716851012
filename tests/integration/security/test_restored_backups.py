"""A database restored from a backup that is hardly older than what outsiders have seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from ledger import integrator, log
from tests.world import World

pytestmark = pytest.mark.django_db


def test_an_integrator_that_died_before_publishing_publishes_when_it_comes_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest checkpoint was served already; a copy that lags would let a backup in between be signed again."""
    with monkeypatch.context() as patch:
        patch.setattr(integrator, "publish", lambda checkpoint: None)
        while integrator.integrate():
            pass
    newest = log.latest_checkpoint()
    assert newest is not None
    assert not Path(settings.CHECKPOINT_COPY).exists()
    assert integrator.integrate() == 0
    assert Path(settings.CHECKPOINT_COPY).read_text(encoding="utf-8") == newest.note
