"""Fixtures that every test may use: a founded log with a few parties, and the real services behind it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from tests import services
from tests.world import World


@pytest.fixture(autouse=True)
def _quiet_heartbeat(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A job inside a test's transaction is invisible to its own heartbeat, which would take it for lost."""
    marker = request.node.get_closest_marker("django_db")
    if marker is not None and not marker.kwargs.get("transaction"):
        monkeypatch.setattr("jobs.actions.HEARTBEAT_SECONDS", 3600.0)


@pytest.fixture(autouse=True)
def _own_checkpoint_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has its own log, and so its own copy of the checkpoint."""
    monkeypatch.setattr(settings, "CHECKPOINT_COPY", tmp_path / "checkpoint")


@pytest.fixture(autouse=True, scope="session")
def _flush_may_truncate() -> Iterator[None]:
    """Append-only triggers refuse TRUNCATE, also to the flush after a ``transaction=True`` test, which goes around.

    For the whole session: that flush comes after the fixtures of its test have ended.
    """
    from django.core.management.commands import flush

    ordinary: Any = flush.Command.handle

    def handle(self: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            try:
                ordinary(self, **options)
            finally:
                cursor.execute("SET session_replication_role = DEFAULT")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush.Command, "handle", handle)
        yield


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool) -> bool:
    """A private cluster ends with the run, and its test databases with it: dropping them first is one more risk."""
    return django_db_keepdb or services.PRIVATE in os.environ


@pytest.fixture
def founded(db: None) -> World:
    """A log with its first regulator, and nobody else."""
    world = World()
    world.found()
    return world


@pytest.fixture
def world(founded: World) -> World:
    """A founded log with a maker, its model and fab, and two operators with sites and machines."""
    founded.populate()
    return founded
