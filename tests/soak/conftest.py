"""A house of its own for each long run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chipledger.statements.registry import ModelPublished, SiteDeclared
from tests.house import House, opened
from tests.joining import A_MODEL, found, join, place


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Founded, with a maker and an operator that have joined."""
    for house in opened(tmp_path):
        found(house)
        maker, operator = join(house, "maker-h", "manufacturer"), join(house, "operator-h", "operator")
        house.file(maker, ModelPublished, **A_MODEL)
        house.file(maker, SiteDeclared, **place("fab-h"))
        house.file(operator, SiteDeclared, **place("dc-h"))
        yield house
