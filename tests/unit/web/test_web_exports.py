"""CSV exports: streamed, safe in a spreadsheet, and exactly the values."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from web.exports import Provenance, cell, csv_file, csv_lines, json_lines


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


MADE = Provenance(
    "Findings", "Rule: clone", datetime(2026, 1, 31, 12, tzinfo=UTC), "log.example", 7, "ab" * 32
)


def test_the_csv_says_its_digest_its_time_and_its_checkpoint() -> None:
    response = csv_file("findings", ("a", "b"), iter([("x", 1)]), made=MADE)
    content = b"".join(response)
    response.file_to_stream.close()
    digest = hashlib.sha256(content)
    assert content == b"a,b\r\nx,1\r\n"
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].endswith(f'filename="findings-{digest.hexdigest()[:16]}.csv"')
    assert response["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert response["Chipledger-Made-At"] == "2026-01-31T12:00:00Z"
    assert response["Chipledger-Checkpoint"] == f"log.example 7 {'ab' * 32}"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_the_json_holds_the_same_rows_and_the_digest_of_the_csv() -> None:
    rows: list[tuple[object, ...]] = [("=1+1", 2, None), ("Luleå", -5, True)]
    found = json.loads(b"".join(json_lines(("a", "b", "c"), iter(rows), made=MADE)))
    assert found["columns"] == ["a", "b", "c"]
    assert found["rows"] == [["'=1+1", 2, None], ["Luleå", -5, True]]
    assert found["checkpoint"] == {"log": "log.example", "size": 7, "root": "ab" * 32}
    assert found["filter"] == "Rule: clone"
    csv_bytes = b"".join(csv_lines(("a", "b", "c"), rows))
    assert found["csv_sha256"] == hashlib.sha256(csv_bytes).hexdigest()
