"""What was found against what was expected: five sets that never overlap, and hints for typed serials."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipledger.refusals import Refused
from portal.selections import compare, complete_names, read_names, read_pairs
from registry.access import Reader

READER = cast("Reader", SimpleNamespace(handle="maker-a"))
NAMES = st.sets(st.integers(0, 40).map(lambda number: f"maker-a/S{number:03d}"), max_size=30)


@given(expected=NAMES, found=NAMES)
def test_every_expected_chip_is_accepted_or_short_and_every_other_is_over(
    expected: set[str], found: set[str]
) -> None:
    sets = compare(expected, found, damaged=[], swapped=[])
    assert sorted(sets.accepted + sets.short) == sorted(expected)
    assert sorted(sets.accepted + sets.over) == sorted(found)


def test_damaged_chips_were_found_and_swapped_ones_are_neither_short_nor_over() -> None:
    expected = {f"maker-a/S{number}" for number in range(4)}
    sets = compare(
        expected,
        ["maker-a/S0", "maker-a/X9"],
        damaged=["maker-a/S1"],
        swapped=[("maker-a/S2", "maker-a/X9")],
    )
    assert (sets.accepted, sets.short, sets.over) == (["maker-a/S0"], ["maker-a/S3"], [])
    assert sets.members() == {
        "accepted": ["maker-a/S0"],
        "short": ["maker-a/S3"],
        "swapped": [{"expected": "maker-a/S2", "found": "maker-a/X9"}],
        "damaged": ["maker-a/S1"],
    }


def test_of_two_missing_chips_a_typed_serial_means_the_one_that_the_eye_confuses_it_with() -> None:
    sets = compare({"maker-a/C0015-1", "maker-a/C0016-1"}, ["CO016-1"], damaged=(), swapped=())
    assert sets.hints == [("CO016-1", "maker-a/C0016-1")]


def test_a_typed_serial_is_told_which_missing_chip_it_resembles() -> None:
    sets = compare({"maker-a/A0032-7"}, ["AO032-7"], damaged=[], swapped=[])
    assert sets.hints == [("AO032-7", "maker-a/A0032-7")]


def test_a_serial_alone_takes_its_maker_only_when_there_is_one() -> None:
    among = ["maker-a/S1", "maker-b/S1", "maker-a/S2"]
    assert complete_names(["S1", "S2", "S3"], among) == ["S1", "maker-a/S2", "S3"]


@pytest.mark.parametrize(
    "content",
    [
        b"chip\nmaker-a/S1\nmaker-a/S2\n",
        b"maker,serial\nmaker-a,S1\nmaker-a,S2\n",
        b'{"chip":"maker-a/S1"}\n{"chip":"maker-a/S2"}\n',
        b"\xef\xbb\xbfmaker-a/S1\r\nmaker-a/S2\r\n",
    ],
)
def test_a_file_of_chips_is_read_however_it_is_written(content: bytes) -> None:
    assert read_names("maker-a/S1", io.BytesIO(content), by=READER) == ["maker-a/S1", "maker-a/S2"]


def test_a_swap_that_is_no_pair_is_refused_with_its_row() -> None:
    with pytest.raises(Refused) as refused:
        read_pairs("maker-a/S1 maker-a/S2\nmaker-a/S3\n")
    assert (refused.value.code, refused.value.row) == ("bad_pair", 2)


def test_a_word_that_never_ends_is_no_list_of_chips() -> None:
    with pytest.raises(Refused, match="such a long name") as refused:
        read_names("", io.BytesIO(b"S" * 1_000_000), by=READER)
    assert len(refused.value.value or "") == 128


def test_names_are_read_across_the_pieces_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.selections._PIECE", 7)
    names = [f"maker-a/S{number}" for number in range(50)]
    assert read_names("", io.BytesIO("; ".join(names).encode()), by=READER) == names


@pytest.mark.parametrize("begins", ["", "chip\n"])
def test_a_list_is_cut_off_at_the_limit_while_it_is_read(
    monkeypatch: pytest.MonkeyPatch, begins: str
) -> None:
    monkeypatch.setattr("portal.selections.MAX_ROWS", 3)
    assert (
        len(read_names("", io.BytesIO(f"{begins}maker-a/1\nmaker-a/2\nmaker-a/3".encode()), by=READER)) == 3
    )
    names = "\n".join(f"maker-a/{number}" for number in range(100_000))
    file = io.BytesIO(f"{begins}{names}".encode())
    with pytest.raises(Refused) as refused:
        read_names("", file, by=READER)
    assert refused.value.code == "too_many_chips"
    assert file.tell() < len(file.getvalue())


def test_every_word_has_the_length_of_a_name_wherever_a_piece_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.selections._PIECE", 512)
    with pytest.raises(Refused, match="such a long name"):
        read_names("", io.BytesIO((b"S" * 511 + b" ") * 10), by=READER)


def test_bytes_that_are_no_text_are_no_list_of_chips() -> None:
    with pytest.raises(Refused, match="not UTF-8"):
        read_names("", io.BytesIO("maker-a/S1\nmaker-a/S2".encode("utf-16-le")), by=READER)
