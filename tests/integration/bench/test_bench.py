"""Every measurement at a tiny size, so that bench code keeps working; what comes out says nothing about speed."""

from __future__ import annotations

import subprocess
import sys

from config.embedded.plan import CHECKOUT

FIGURES = {
    *("register_100k", "register_1m_peak_mb", "transfer_10k", "evidence_http_500", "sweep_1m"),
    *("page_chips_1m", "page_chips_as_of_1m", "page_findings_1m", "page_transfers_1m"),
}


def measure(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the bench as `make bench` does, beside the services of this test run, once at a tiny size."""
    return subprocess.run(
        [sys.executable, "-m", "bench", "--tiny", "--runs", "1", *words],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_figure_is_measured_beside_its_limit() -> None:
    done = measure()
    lines = [line.split() for line in done.stdout.splitlines()]
    told = {line[0]: line[1:3] for line in lines if line and line[0] in FIGURES}
    assert set(told) == FIGURES, done.stderr
    for name, cells in told.items():
        value, limit = (float(cell.replace(",", "")) for cell in cells)
        assert value > 0, name
        assert limit > 0, name


def test_an_unknown_figure_is_refused_with_the_names_of_the_known_ones() -> None:
    done = measure("--only", "everything")
    assert done.returncode == 2
    assert "register_100k" in done.stderr
