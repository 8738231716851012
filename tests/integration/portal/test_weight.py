"""No page makes a browser fetch more than 200 kB of styles, scripts and drawings, compressed; the map apart."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from registry.models import Role
from tests.addresses import addresses
from tests.people import Scene, browse_as, person_of

MOST = 200_000
MAP = "build/land.svg"
ASSET = re.compile(r'(?:href|src)="/static/([^"#?]+)[^"]*"')
IMPORT = re.compile(rb'(?:import|from) "\./([^"]+)"')


def weight_of(name: str) -> int:
    path = finders.find(name)
    assert path, f"{name} is not there"
    return len(gzip.compress(Path(str(path)).read_bytes()))


def with_imports(names: set[str]) -> set[str]:
    """Scripts and what they import in turn."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        found.add(name)
        if name.endswith(".js"):
            folder = name.rpartition("/")[0]
            script = Path(str(finders.find(name))).read_bytes()
            waiting |= {f"{folder}/{each.decode()}" for each in IMPORT.findall(script)} - found
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["maker", "operator", "regulator"])
def test_no_page_weighs_more_than_it_may(scene: Scene, role: str) -> None:
    person = person_of(getattr(scene.world, role), Role.ADMINISTRATOR)
    browser = browse_as(person)
    for address in addresses(scene, person):
        names = with_imports(set(ASSET.findall(browser.get(address).content.decode())) - {MAP})
        total = sum(weight_of(name) for name in names)
        assert total <= MOST, (address, total, sorted(names))
