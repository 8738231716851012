"""One seam for the time, and a simulated clock that processes share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chipledger import clock
from chipledger.refusals import Refused

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _same_clock_afterwards() -> Iterator[None]:
    previous = clock.use(clock.SystemClock())
    yield
    clock.use(previous)


def test_the_system_clock_tells_utc() -> None:
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.now().utcoffset() == timedelta(0)


def test_a_simulated_clock_stands_still_until_it_is_moved(tmp_path: Path) -> None:
    simulated = clock.SimulatedClock(tmp_path / "clock.json")
    simulated.set(NOON)
    clock.use(simulated)
    assert clock.now() == clock.now() == NOON
    simulated.set(NOON + timedelta(days=7))
    assert clock.now() == NOON + timedelta(days=7)


def test_a_running_clock_goes_on_from_its_anchor(tmp_path: Path) -> None:
    simulated = clock.SimulatedClock(tmp_path / "clock.json")
    simulated.set(NOON, running=True)
    first = simulated.now()
    assert NOON <= first < NOON + timedelta(minutes=1)
    assert simulated.now() >= first


def test_another_process_sees_the_same_time(tmp_path: Path) -> None:
    clock.SimulatedClock(tmp_path / "clock.json").set(NOON)
    script = (
        "import sys; from chipledger import clock; print(clock.SimulatedClock(sys.argv[1]).now().isoformat())"
    )
    root = Path(clock.__file__).parents[1]
    told = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "clock.json")],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
    )
    assert datetime.fromisoformat(told.stdout.strip()) == NOON


def test_a_clock_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="simulated_clock_unreadable"):
        clock.SimulatedClock(tmp_path / "missing.json").now()
    (tmp_path / "torn.json").write_text('{"at": "2026')
    with pytest.raises(Refused, match="simulated_clock_unreadable"):
        clock.SimulatedClock(tmp_path / "torn.json").now()


def test_an_instant_without_a_zone_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="time zone"):
        clock.SimulatedClock(tmp_path / "clock.json").set(datetime(2026, 1, 1))  # noqa: DTZ001
