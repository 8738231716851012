"""How turns become a figure: medians, ratios, and whether a target is met."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from bench.harness import Figure, Pair, append_to, figure_of, measure, table_of


class Scripted:
    """A measurement that notes the order of its calls."""

    name = "scripted"
    unit = "chips/s"
    target = 0.5
    more_is_better = True
    most_turns = 2

    def __init__(self) -> None:
        self.calls: list[str] = []

    def prepare(self) -> None:
        self.calls.append("prepare")

    def product(self, turn: int) -> float:
        self.calls.append(f"product {turn}")
        return 60.0

    def limit(self, turn: int) -> float:
        self.calls.append(f"limit {turn}")
        return 100.0

    def further(self) -> Iterable[Figure]:
        return ()

    def notes(self) -> dict[str, float]:
        return {"chips": 1.0}

    def end(self) -> None:
        self.calls.append("end")


class Broken(Scripted):
    def limit(self, turn: int) -> float:
        raise RuntimeError("the limit found something else")


def test_product_and_limit_take_turns_up_to_the_most_and_the_first_one_alternates() -> None:
    scripted = Scripted()
    (figure,) = measure(scripted, turns=7)
    assert scripted.calls == ["prepare", "product 0", "limit 0", "limit 1", "product 1", "end"]
    assert (figure.value, figure.limit, figure.ratio, figure.runs, figure.met) == (60.0, 100.0, 0.6, 2, True)


def test_a_measurement_that_breaks_is_ended_all_the_same() -> None:
    broken = Broken()
    with pytest.raises(RuntimeError, match="something else"):
        measure(broken, turns=1)
    assert broken.calls[-1] == "end"


def test_the_ratio_is_the_median_of_the_turns_so_that_one_slow_turn_does_not_count() -> None:
    pairs = [Pair(50, 100), Pair(5, 10), Pair(10, 100)]
    assert figure_of("f", pairs, unit="s", target=0.4, more_is_better=True).ratio == 0.5


@pytest.mark.parametrize(
    ("value", "more_is_better", "met"), [(4, False, True), (6, False, False), (6, True, True)]
)
def test_a_target_bounds_the_ratio_from_the_side_that_the_figure_says(
    value: float, more_is_better: bool, met: bool
) -> None:
    figure = figure_of("f", [Pair(value, 1)], unit="s", target=5, more_is_better=more_is_better)
    assert figure.met is met


def test_each_figure_is_one_json_object_a_line_and_earlier_ones_stay(tmp_path: Path) -> None:
    figure = figure_of("f", [Pair(1, 2)], unit="s", target=5, more_is_better=False)
    record = tmp_path / "var" / "bench.jsonl"
    append_to(record, [figure])
    append_to(record, [figure])
    lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 2
    assert {"name", "value", "limit", "ratio", "target", "unit", "runs", "met"} <= lines[0].keys()


def test_the_table_shows_a_missed_target() -> None:
    missed = figure_of("slow", [Pair(1, 10)], unit="s", target=0.5, more_is_better=True, notes={"chips": 7})
    table = table_of([missed])
    assert "≥ 0.5" in table
    assert "NO" in table
    assert "slow: chips 7" in table
