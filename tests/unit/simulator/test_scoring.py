"""What counts as found, in time, and true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audits.rules import RULE_OF
from simulator.ground_truth import Above, Honest, Planted, Truth, read_truth, truth_of, write_truth
from simulator.plan import imagine
from simulator.plan.truth import Kind
from simulator.scoring import Found, as_object, as_text, score

BEGAN = datetime(2026, 2, 3, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def planted(**changes: object) -> Planted:
    facts: dict[str, object] = {
        "number": 1,
        "kind": Kind.STALE_ATTESTATION,
        "site": "dc-1",
        "chips": ("maker/1", "maker/2", "maker/3"),
        "waybill": None,
        "clusters": (),
        "began_at": BEGAN,
        "deadline": BEGAN + 21 * DAY,
        "intensity": 3,
    }
    return Planted(**{**facts, **changes})


def found(**changes: object) -> Found:
    facts: dict[str, object] = {
        "rule": Kind.STALE_ATTESTATION,
        "severity": 4,
        "opened_at": BEGAN + 7 * DAY,
        "chip": "maker/1",
        "waybill": None,
        "cluster": None,
        "site": "dc-1",
    }
    return Found(**{**facts, **changes})


def truth(*events: Planted, honest: tuple[Honest, ...] = (), covered: tuple[Above, ...] = ()) -> Truth:
    return Truth(seed=1, chips=3, planted=events, honest=honest, covered=covered)


def test_an_event_is_found_by_its_rule_on_half_of_its_chips() -> None:
    one = [found()]
    two = [found(), found(chip="maker/2")]
    assert score(truth(planted()), one).found == 0
    assert score(truth(planted()), two).found == 1


def test_a_finding_after_the_deadline_finds_nothing() -> None:
    late = [found(opened_at=BEGAN + 22 * DAY), found(chip="maker/2", opened_at=BEGAN + 22 * DAY)]
    result = score(truth(planted()), late)
    assert result.found == 0
    assert result.precision == 1.0


def test_a_finding_before_the_event_is_neither_found_nor_true() -> None:
    early = [found(opened_at=BEGAN - DAY), found(chip="maker/2", opened_at=BEGAN - DAY)]
    result = score(truth(planted()), early)
    assert (result.found, result.precision) == (0, 0.0)


def test_another_rule_does_not_find_an_event_but_may_be_right_about_it() -> None:
    event = planted(kind=Kind.DECLARED_LOSS, chips=("maker/1",))
    result = score(truth(event), [found(rule=Kind.STALE_ATTESTATION)])
    assert (result.found, result.precision) == (0, 1.0)
    result = score(truth(event), [found(rule=Kind.TWO_PLACES)])
    assert (result.found, result.precision) == (0, 0.0)


def test_a_transfer_is_found_by_its_waybill_and_a_cluster_by_any_of_its_names() -> None:
    overdue = planted(kind=Kind.OVERDUE_RECEIPT, waybill="WB-1-00001")
    cluster = planted(kind=Kind.THRESHOLD_EXCEEDED, clusters=("dc-1", "owner-a"))
    findings = [
        found(rule=Kind.OVERDUE_RECEIPT, chip=None, waybill="WB-1-00001"),
        found(rule=Kind.THRESHOLD_EXCEEDED, chip=None, cluster="owner-a"),
    ]
    assert score(truth(overdue, cluster), findings).found == 2


def test_late_paper_is_true_but_counts_against_precision_and_stands_apart() -> None:
    honest = Honest("late paperwork", frozenset({Kind.OVERDUE_RECEIPT}), BEGAN, "WB-1-00002", None)
    result = score(
        truth(honest=(honest,)), [found(rule=Kind.OVERDUE_RECEIPT, chip=None, waybill="WB-1-00002")]
    )
    assert (result.honest, result.wrong, result.precision) == (1, [], 0.0)


def test_an_honest_cluster_above_a_line_is_true_once_it_is_above_but_no_event() -> None:
    above = Above("dc-9", BEGAN)
    right = found(rule=Kind.THRESHOLD_EXCEEDED, chip=None, cluster="dc-9")
    early = found(rule=Kind.THRESHOLD_EXCEEDED, chip=None, cluster="dc-9", opened_at=BEGAN - DAY)
    result = score(truth(covered=(above,)), [right])
    assert (result.grave_covered, result.wrong, result.precision) == (1, [], 0.0)
    assert score(truth(covered=(above,)), [early]).wrong == [early]


def test_light_findings_do_not_enter_precision() -> None:
    result = score(truth(planted()), [found(chip="maker/9", severity=3)])
    assert (result.grave, result.precision) == (0, 1.0)


def test_the_text_names_what_was_missed_and_what_was_wrong() -> None:
    text = as_text(score(truth(planted()), [found(chip="maker/9", site="dc-7")]))
    assert "missed: event 1, stale_attestation at dc-1" in text
    assert "wrong: 1 of stale_attestation at dc-7" in text


def test_the_object_has_every_rule() -> None:
    per_rule = as_object(score(truth(planted()), []))["per_rule"]
    assert isinstance(per_rule, dict)
    assert set(per_rule) == RULE_OF.keys()


def test_the_truth_survives_its_file(tmp_path: Path) -> None:
    world = imagine(3, chips=600, months=2)
    path = tmp_path / "truth.json"
    write_truth(truth_of(world), path)
    assert read_truth(path) == truth_of(world)


@pytest.mark.parametrize("kind", list(Kind))
def test_the_rules_of_the_truth_are_rules_of_the_audits(kind: Kind) -> None:
    from audits.rules import RULE_OF

    assert kind.value in RULE_OF
