"""The two lines: where the gap lies, and that it is drawn where it lies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from web.durations import lateness, since, span_in_words
from web.two_lines import Reading, Span, draw_chip, draw_counts, unseen

NOW = datetime(2026, 7, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def ago(days: int) -> datetime:
    return NOW - days * DAY


def test_a_chip_seen_where_the_book_puts_it_has_no_gap() -> None:
    assert unseen([Span(ago(10), None, "a")], [Span(ago(12), None, "a")], now=NOW) == []


def test_silence_to_this_day_is_a_gap_to_now() -> None:
    assert unseen([Span(ago(10), None, "a")], [Span(ago(10), ago(4), "a")], now=NOW) == [(ago(4), NOW)]


def test_silence_in_the_middle_is_a_gap_between_two_sightings() -> None:
    silicon = [Span(ago(10), ago(8), "a"), Span(ago(3), None, "a")]
    assert unseen([Span(ago(10), None, "a")], silicon, now=NOW) == [(ago(8), ago(3))]


def test_a_sighting_at_another_place_does_not_close_the_gap() -> None:
    assert unseen([Span(ago(10), None, "a")], [Span(ago(10), None, "b")], now=NOW) == [(ago(10), NOW)]


def test_no_sighting_is_due_in_transit() -> None:
    assert unseen([Span(ago(10), ago(2), "in transit", expected=False)], [], now=NOW) == []


def test_gaps_that_touch_are_one() -> None:
    book = [Span(ago(10), ago(5), "a"), Span(ago(5), None, "b")]
    assert unseen(book, [], now=NOW) == [(ago(10), NOW)]


def test_the_gap_is_drawn_where_it_lies_and_said() -> None:
    drawing = draw_chip([Span(ago(10), None, "a")], [Span(ago(10), ago(4), "a")], start=ago(10), now=NOW)
    assert [(gap.x, gap.width) for gap in drawing.gaps] == [("60.000%", "40.000%")]
    assert "for 4 days, since 2026-06-27" in drawing.summary


def test_counts_keep_book_above_silicon_and_show_the_difference() -> None:
    drawing = draw_counts([Reading(ago(10), 100, 100), Reading(ago(5), 100, 90)], now=NOW)
    assert drawing is not None
    assert drawing.summary == "100 on the book, 90 seen, difference 10."
    assert [(gap.x, gap.width) for gap in drawing.gaps] == [("50.000%", "50.000%")]
    assert float(drawing.silicon_strokes[-1].y1) > float(drawing.book_strokes[-1].y1)


def test_no_readings_draw_nothing() -> None:
    assert draw_counts([], now=NOW) is None


@pytest.mark.parametrize("days", [2, 10, 80, 400, 4000])
def test_the_axis_never_crowds(days: int) -> None:
    drawing = draw_chip([Span(ago(days), None, "a")], [], start=ago(days), now=NOW)
    assert 1 <= len(drawing.ticks) <= 7


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=5), "less than a minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=25), "1 day"),
        (34 * DAY, "34 days"),
        (75 * DAY, "2 months"),
        (400 * DAY, "13 months"),
        (900 * DAY, "2 years"),
    ],
)
def test_a_span_is_told_in_its_largest_telling_unit(span: timedelta, words: str) -> None:
    assert span_in_words(span) == words
    assert span_in_words(-span) == words


def test_deadlines_and_instants_in_words() -> None:
    assert lateness(ago(3), now=NOW) == "3 days late"
    assert lateness(NOW + 2 * DAY, now=NOW) == "due in 2 days"
    assert since(ago(3), now=NOW) == "3 days ago"
    assert since(NOW, now=NOW) == "just now"
