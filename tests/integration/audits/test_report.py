"""`manage.py report`: the same findings as text, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audits.models import Finding
from tests.integration.audits.ground import DAY, NOW, Ground
from tracking.models import AccountKind


@pytest.fixture
def findings(ground: Ground) -> list[Finding]:
    """Two losses at one site, a theft at another, and a receipt that is overdue."""
    first = ground.site(ground.organisation("operator-a"), "dc-1")
    second = ground.site(ground.organisation("operator-b", countries=["DE"]), "dc-2", country="DE")
    ground.chips(first, 2, kind=AccountKind.LOST)
    ground.chips(second, 1, kind=AccountKind.STOLEN)
    ground.transfer(first, second, due_at=NOW - DAY)
    ground.sweep()
    return list(Finding.objects.all())


def report(*arguments: str, **options: Any) -> str:
    out = io.StringIO()
    call_command("report", *arguments, stdout=out, **options)
    return out.getvalue()


def rows(*arguments: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(report("--format", "csv", *arguments))))


def test_the_text_begins_with_counts_and_shows_the_gravest_first(findings: list[Finding]) -> None:
    text = report()

    assert text.index("Severity 4 · declared_loss") < text.index("Severity 3 · declared_loss")
    assert text.index("Severity 3 · declared_loss") < text.index("Severity 2 · overdue_receipt")
    assert [
        line.split() for line in text.splitlines() if line.lstrip().startswith(("2 ", "3 ", "4 ", "together"))
    ] == [
        ["4", "declared_loss", "1"],
        ["3", "declared_loss", "2"],
        ["2", "overdue_receipt", "1"],
        ["together", "4"],
    ]
    for finding in findings:
        assert finding.subject in text


def test_csv_and_json_say_the_same(findings: list[Finding]) -> None:
    from_csv = rows()
    from_json = json.loads(report("--format", "json"))

    assert [row["finding"] for row in from_csv] == [row["finding"] for row in from_json["findings"]]
    assert {row["finding"] for row in from_csv} == {finding.uid.hex for finding in findings}
    assert {(count["rule"], count["severity"]): count["findings"] for count in from_json["counts"]} == {
        ("declared_loss", 4): 1,
        ("declared_loss", 3): 2,
        ("overdue_receipt", 2): 1,
    }
    assert from_json["findings"][0]["frozen"]["arithmetic"]["account"] == "stolen"


def test_an_empty_report_is_still_a_report(db: None) -> None:
    assert json.loads(report("--format", "json"))["findings"] == []
    assert rows() == []
    assert "together" in report()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--organisation", "operator-a"], 2),
        (["--site", "dc-2"], 2),
        (["--country", "US"], 2),
        (["--severity", "3"], 3),
        (["--rule", "overdue_receipt"], 1),
        (["--state", "closed"], 0),
        (["--state", "all"], 4),
        (["--from", "2026-06-02"], 4),
        (["--to", "2026-06-01"], 0),
        (["--to", "2026-06-01T12:00:01Z"], 4),
        (["--organisation", "operator-b", "--severity", "4"], 1),
    ],
)
def test_the_report_is_narrowed_as_asked(
    findings: list[Finding], arguments: list[str], expected: int
) -> None:
    assert len(rows(*arguments)) == expected


def test_a_period_holds_what_was_open_in_it(findings: list[Finding]) -> None:
    Finding.objects.filter(rule="overdue_receipt").update(
        state="closed", closing="cleared", closed_at=NOW + 5 * DAY
    )

    def receipts(since: timedelta, until: timedelta) -> int:
        period = ("--from", (NOW + since).isoformat(), "--to", (NOW + until).isoformat())
        return len(rows("--state", "all", "--rule", "overdue_receipt", *period))

    assert [receipts(-5 * DAY, 0 * DAY), receipts(4 * DAY, 6 * DAY), receipts(6 * DAY, 9 * DAY)] == [0, 1, 0]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--severity", "9"],
        ["--from", "yesterday"],
        ["--rule", "x"],
        ["--organisation", "nobody"],
        ["--site", "nowhere"],
    ],
)
def test_a_report_that_means_nothing_is_refused(db: None, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        report(*arguments)


def test_a_long_report_is_never_whole_in_memory(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    from audits import reports

    site = ground.site(ground.organisation("operator-a"), "dc-1")
    ground.chips(site, 30, kind=AccountKind.LOST)
    ground.sweep()
    made: list[int] = []
    build = Finding.from_db.__func__

    def counted(cls: type[Finding], *fields: Any) -> Finding:
        made.append(1)
        return build(cls, *fields)

    monkeypatch.setattr(Finding, "from_db", classmethod(counted))
    pieces = reports.worst_first(Finding.objects.all())
    next(pieces)
    before_the_second = len(made)

    assert before_the_second == 1
    assert len(list(pieces)) == 29
