"""`python -m bench [--only NAME] [--runs N] [--tiny]`: measures the figures, prints them, and notes them down."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
RUNS = 5


def main() -> int:
    """Measure what was asked for; 1 when a figure falls short of its target at full size."""
    record = Path(os.environ.get("VAR_DIR", CHECKOUT / "var")) / "bench.jsonl"
    with tempfile.TemporaryDirectory(prefix="chipledger-bench-") as var:
        # The log of a measurement has its own key and checkpoint, never those of the house.
        os.environ.update(
            DJANGO_SETTINGS_MODULE="config.settings",
            VAR_DIR=var,
            LOG_KEY_FILE=str(Path(var, "log-key.pem")),
            CHECKPOINT_COPY=str(Path(var, "checkpoint")),
            LOG_ORIGIN="demo.chipledger/bench",
        )
        import django

        django.setup()
        return run(record)


def run(record: Path) -> int:
    """Parse the command line and measure, one database after the other."""
    from bench import harness
    from bench.databases import migrated_database, own_database, settings_that_matter
    from bench.figures import MEASUREMENTS

    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", choices=sorted(MEASUREMENTS), action="append", metavar="NAME")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"how often each is measured (default {RUNS})")
    parser.add_argument(
        "--tiny", action="store_true", help="a rehearsal that only shows that everything works"
    )
    asked = parser.parse_args()
    figures: list[harness.Figure] = []
    with migrated_database():
        harness.say(f"load of the machine before: {os.getloadavg()[0]:.1f}")
        harness.say(", ".join(f"{key} {value}" for key, value in settings_that_matter().items()))
        for name in asked.only or MEASUREMENTS:
            with own_database():
                figures += harness.measure(MEASUREMENTS[name](asked.tiny), turns=asked.runs)
    print(harness.table_of(figures))
    if asked.tiny:
        return 0
    harness.append_to(record, figures)
    return 0 if all(figure.met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
