"""The running house with a founded log and its first members, admitted as in life."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chipledger.statements.registry import ModelPublished, SiteDeclared
from tests.house import House, opened
from tests.joining import A_MODEL, found, join, place


@pytest.fixture(scope="session")
def empty_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from opened(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="session")
def house(empty_house: House) -> House:
    """Founded by a regulator; a maker with a model and a fab, and an operator with a site, have joined."""
    house = empty_house
    found(house)
    maker, operator = join(house, "maker-h", "manufacturer"), join(house, "operator-h", "operator")
    house.file(maker, ModelPublished, **A_MODEL)
    house.file(maker, SiteDeclared, **place("fab-h"))
    house.file(operator, SiteDeclared, **place("dc-h"))
    return house
