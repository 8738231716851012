"""A piece of ground for each test of a rule."""

from __future__ import annotations

import pytest

from tests.integration.audits.ground import Ground


@pytest.fixture
def ground(db: None) -> Ground:
    return Ground()
