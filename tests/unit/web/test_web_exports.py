"""CSV exports: streamed, safe in a spreadsheet, and exactly the values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from web.exports import cell, csv_lines, csv_response


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_text_that_a_spreadsheet_would_run_is_quoted(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-5, "-5"),
        (None, ""),
        (True, "yes"),
        ("aurora/AX-1", "aurora/AX-1"),
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00Z"),
    ],
)
def test_other_values_are_left_as_they_are(value: object, text: str) -> None:
    assert cell(value) == text


def test_rows_read_back_as_they_were_written() -> None:
    rows = [("Nordlicht, Luleå", 'says "no"'), ("two\nlines", 7)]
    text = b"".join(csv_lines(("who", "what"), rows)).decode("utf-8")
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["who", "what"],
        ["Nordlicht, Luleå", 'says "no"'],
        ["two\nlines", "7"],
    ]


def test_an_export_starts_before_the_list_ends() -> None:
    taken = 0

    def rows() -> Iterator[tuple[str]]:
        nonlocal taken
        for _ in range(1_000_000):
            taken += 1
            yield ("x" * 100,)

    lines = csv_lines(("name",), rows())
    first = next(lines)
    assert taken < 2000
    assert len(first) < 128 * 1024


def test_the_download_has_a_name_and_a_type() -> None:
    response = csv_response("findings Luleå.csv", ("a",), [])
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == "attachment; filename*=utf-8''findings%20Lule%C3%A5.csv"
    assert response["X-Content-Type-Options"] == "nosniff"
