"""Schemathesis sends the whole API what its schema allows, and what it does not: no answer contradicts the schema."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from tests.integration.api.caller import Caller
from tests.people import Scene, browse_as, person_of
from tests.world import World

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture
def world(transactional_db: None) -> World:
    """Committed, because the server reads it over its own connection."""
    world = World()
    world.found()
    world.populate()
    Scene(world)
    return world


def test_schemathesis_finds_nothing_with_a_regulators_token(
    world: World, live_server: LiveServer, tmp_path: Path
) -> None:
    examine(live_server.url, tmp_path, Authorization=f"Bearer {Caller(world.regulator).secret}")


def test_schemathesis_finds_nothing_from_the_page_of_an_operators_administrator(
    world: World, live_server: LiveServer, tmp_path: Path
) -> None:
    browser = browse_as(person_of(world.operator))
    browser.get("/")
    cookies = {name: morsel.value for name, morsel in browser.cookies.items()}
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    headers = {"Cookie": cookie, "X-CSRFToken": cookies["csrftoken"]}
    # What the schema alone gives has been tried with the token; here others answer, and to another person.
    examine(live_server.url, tmp_path, "--phases", "fuzzing,stateful", **headers)


def examine(server: str, folder: Path, *more: str, **headers: str) -> None:
    """Let Schemathesis at the server; it fails with what was found, and with how to see it again."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", CHECKOUT / "schemathesis.toml"),
            *("run", f"{server}/api/v1/schema", *more),
            *(part for name, value in headers.items() for part in ("-H", f"{name}: {value}")),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
