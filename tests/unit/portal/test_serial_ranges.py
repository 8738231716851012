"""Serial ranges as people write them: what they name, and every fault at its place."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipledger.refusals import Refused
from portal.serial_ranges import MAX_FAULTS, MAX_TEXT, read_ranges


def serials(text: str) -> list[str]:
    found = read_ranges(text)
    assert found.faults == ()
    return list(found)


def faults(text: str) -> list[tuple[int, str, str]]:
    return [(fault.row or 0, fault.value or "", fault.code) for fault in read_ranges(text).faults]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A100..A102, B7", ["A100", "A101", "A102", "B7"]),
        ("A008..A011", ["A008", "A009", "A010", "A011"]),
        ("A8..A11", ["A8", "A9", "A10", "A11"]),
        ("A0..A2", ["A0", "A1", "A2"]),
        ("A0001-7..A0003-7", ["A0001-7", "A0002-7", "A0003-7"]),
        ("7-1..7-3", ["7-1", "7-2", "7-3"]),
        ("B7\r\nC.1 D_2\t,, E-3\n", ["B7", "C.1", "D_2", "E-3"]),
        ("A1 .. A3", ["A1", "A2", "A3"]),
        ("A1.. A3\nA7 ..A8", ["A1", "A2", "A3", "A7", "A8"]),
        ("plain", ["plain"]),
        ("A1. A2.", ["A1.", "A2."]),
    ],
    ids=[
        "range-and-single",
        "padded",
        "growing",
        "from-zero",
        "check-digit",
        "second-number",
        "every-separator",
        "blanks-around-dots",
        "blank-on-one-side",
        "no-number",
        "single-dots",
    ],
)
def test_ranges_and_single_serials_are_named_in_the_order_of_the_text(text: str, expected: list[str]) -> None:
    assert serials(text) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("A9..A1", "range_reversed"),
        ("A1..B9", "range_prefix"),
        ("A1..A9-7", "range_prefix"),
        ("A..B", "range_prefix"),
        ("A1-1..A9-9", "range_ambiguous"),
        ("A1..A1", "range_of_one"),
        ("A01..A100", "range_width"),
        ("A1..A010", "range_width"),
        ("A1..", "range_open"),
        ("..A1", "range_open"),
        ("A1..A2..A3", "range_prefix"),
        ("A1...A3", "range_prefix"),
        ("A1!", "bad_serial"),
        ("Å1", "bad_serial"),
        ("A1;A2", "bad_serial"),
        ("A" * 65, "bad_serial"),
        ("A1..A5, A3", "range_overlap"),
        ("A3, A1..A5", "range_overlap"),
        ("A1..A5, A5..A9", "range_overlap"),
        ("A98..A102, A100..A200", "range_overlap"),
        ("A0098..A0102, A0100", "range_overlap"),
        ("X, X", "range_overlap"),
        ("A1-7..A9-7, A4-7", "range_overlap"),
    ],
)
def test_every_kind_of_fault_is_refused_with_its_item(text: str, code: str) -> None:
    assert [found for *_, found in faults(text)] == [code]


@pytest.mark.parametrize("text", ["A1..A5, A01..A05", "A1..A9, A10..A20", "A1, A01", "A1-1..A9-1, A4-2"])
def test_what_only_looks_alike_does_not_overlap(text: str) -> None:
    assert len(set(serials(text))) == len(serials(text))


def test_faults_are_named_by_line_character_and_item_and_do_not_hide_each_other() -> None:
    text = "A1..A5, B9..B2\n C1  D?2, A4\n"
    found = read_ranges(text).faults
    assert [(fault.row, fault.value, fault.code) for fault in found] == [
        (1, "B9..B2", "range_reversed"),
        (2, "D?2", "bad_serial"),
        (2, "A4", "range_overlap"),
    ]
    assert [fault.sentence.partition(":")[0] for fault in found] == [
        "Character 9",
        "Character 7",
        "Character 11",
    ]
    assert found[2].sentence.endswith("This names serials that A1..A5 in line 1 has named; name them once.")


def test_a_million_is_the_limit_and_the_item_that_goes_beyond_it_is_named() -> None:
    assert read_ranges("A000001..A999999, B").total == 1_000_000
    assert faults("A000001..A999999, B, C, D?") == [(1, "C", "too_many_serials")]
    assert faults("A1..A99999999999999999999") == [(1, "A1..A99999999999999999999", "too_many_serials")]


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "no_serials"), (" ,\n, ", "no_serials"), ("A" * (MAX_TEXT + 1), "serials_too_long")],
    ids=["empty", "separators", "long"],
)
def test_a_text_that_names_nothing_or_is_too_long_is_refused(text: str, code: str) -> None:
    with pytest.raises(Refused, match=code):
        read_ranges(text)


def test_faults_are_listed_up_to_a_bound() -> None:
    assert len(read_ranges("? " * 5_000).faults) == MAX_FAULTS


words = st.from_regex(r"[A-Za-z_-]{0,4}", fullmatch=True)


@given(words, st.integers(0, 10**6), st.integers(1, 300), words, st.integers(0, 9), st.booleans())
def test_a_range_names_each_number_between_its_ends_once_and_keeps_their_width(
    before: str, low: int, more: int, after: str, check: int, padded: bool
) -> None:
    width = 8 if padded else 1
    tail = f"{after}-{check}"
    names = [f"{before}{number:0{width}d}{tail}" for number in range(low, low + more + 1)]
    assert serials(f"{names[0]}..{names[-1]}") == names


@given(st.text(alphabet="AB019.-,_ \n?", max_size=60))
def test_no_text_breaks_the_parser_and_its_overlaps_are_those_of_the_serials(text: str) -> None:
    if not text.strip(" ,\n"):
        return
    found = read_ranges(text)
    assert all(fault.row and fault.value for fault in found.faults)
    if found.total > 10_000:
        return
    repeated = [name for name, number in Counter(found).items() if number > 1]
    if any(fault.code == "range_overlap" for fault in found.faults):
        assert repeated
    elif repeated:  # two ranges that count by different numbers may cross unseen here
        assert len({each.varies for each in found.ranges if each.varies is not None}) > 1
