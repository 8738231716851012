"""The two lines of a chip: when a silence accuses somebody, and when none was due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from portal.queries.chips import _quiet_before
from web.two_lines import Span, draw_chip

START = datetime(2026, 1, 5, tzinfo=UTC)
NOW = START + timedelta(days=60)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def test_before_its_first_proof_a_chip_owes_none() -> None:
    booked = Span(START, None, "dc-1")
    proved = Span(day(3), None, "dc-1")
    lines = draw_chip(_quiet_before(booked, proved.start), [proved], start=START, now=NOW)
    assert not lines.has_gap


def test_a_silence_after_the_first_proof_is_a_gap() -> None:
    booked = Span(START, None, "dc-1")
    proved = Span(day(3), day(20), "dc-1")
    lines = draw_chip(_quiet_before(booked, proved.start), [proved], start=START, now=NOW)
    assert lines.has_gap
    assert "40 days" in lines.summary


def test_a_chip_declared_lost_is_unaccounted_for_even_if_it_never_proved_anything() -> None:
    lines = draw_chip(_quiet_before(Span(day(10), None, "lost"), None), [], start=START, now=NOW)
    assert lines.has_gap


def test_a_chip_that_never_proved_anything_is_not_said_to_follow_the_book() -> None:
    lines = draw_chip(_quiet_before(Span(START, None, "fab-1"), None), [], start=START, now=NOW)
    assert "only the book" in lines.summary
