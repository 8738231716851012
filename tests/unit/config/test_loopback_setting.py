"""What opens a house from inside is refused where a house is more than a demonstration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]


def load_settings(**environment: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own."""
    inherited = {name: value for name, value in os.environ.items() if name != "DEBUG"}
    return subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        cwd=CHECKOUT,
        env=inherited | {"SECRET_KEY": "a secret of a house"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("origin", "loads"), [("chips.example.org/2026", False), ("demo.chipledger/test", True)]
)
def test_webhooks_reach_this_machine_in_a_demo_alone(origin: str, loads: bool) -> None:
    found = load_settings(LOG_ORIGIN=origin, WEBHOOKS_TO_LOOPBACK="true")
    assert (found.returncode == 0) is loads, found.stderr
    assert ("WEBHOOKS_TO_LOOPBACK is for demos" in found.stderr) is not loads


def test_a_house_that_does_not_ask_for_it_loads() -> None:
    assert load_settings(LOG_ORIGIN="chips.example.org/2026").returncode == 0
