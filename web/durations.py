"""Long times in words: "3 days late" beside the instant itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_UNITS = (
    ("year", timedelta(days=365)),
    ("month", timedelta(days=30)),
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("minute", timedelta(minutes=1)),
)
# Years and months are told from two of them on: "34 days", not "1 month".
_WORTH_SAYING = {"year": 2, "month": 2}


def span_in_words(span: timedelta) -> str:
    """A length of time in its largest telling unit, without sign: "5 months", "34 days", "1 minute"."""
    span = abs(span)
    for name, unit in _UNITS:
        number = span // unit
        if number >= _WORTH_SAYING.get(name, 1):
            return f"{number} {name}" + ("s" if number != 1 else "")
    return "less than a minute"


def since(at: datetime, *, now: datetime) -> str:
    """How long ago, or how far ahead: "3 days ago", "in 2 hours", "just now"."""
    gone = now - at
    if abs(gone) < timedelta(minutes=1):
        return "just now"
    words = span_in_words(gone)
    return f"{words} ago" if gone > timedelta(0) else f"in {words}"


def lateness(due: datetime, *, now: datetime) -> str:
    """How a deadline stands: "3 days late", "due in 12 days", "due now"."""
    gone = now - due
    if abs(gone) < timedelta(minutes=1):
        return "due now"
    words = span_in_words(gone)
    return f"{words} late" if gone > timedelta(0) else f"due in {words}"


def stamp(at: datetime) -> str:
    """An instant as people read it here: `2026-01-31 12:00 UTC`."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def machine_stamp(at: datetime) -> str:
    """An instant as machines read it (RFC 3339), for the `datetime` attribute."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
