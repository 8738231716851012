"""The book on a day gone by: as it was then by effective time, or as it was known then by recorded time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache, reduce
from operator import or_

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import LessThan

from chipledger.refusals import Refused
from ledger.models import Statement
from registry.access import Reader, visible
from registry.models import Chip
from tracking.models import AccountKind, Correction, Holding, MovementLine
from tracking.queries.access import AUTHORITIES, lines_in, lines_of
from tracking.queries.history import Step, View, in_view


class By(StrEnum):
    """Which time a day is looked at in."""

    EFFECTIVE = "effective"
    RECORDED = "recorded"


@dataclass(frozen=True)
class AsOf:
    """The end of a day in UTC, up to which the book is read, in one of its two times and one of its views."""

    day: date
    by: By
    view: View

    @property
    def until(self) -> datetime:
        """The first instant that no longer counts."""
        return datetime.combine(self.day + timedelta(days=1), time(), tzinfo=UTC)


def each_view(asked: AsOf) -> list[AsOf]:
    """The day in each of the views that are asked for, as corrected before as filed."""
    if asked.view != View.BOTH:
        return [asked]
    return [replace(asked, view=View.CORRECTED), replace(asked, view=View.FILED)]


def read_view(asked: Mapping[str, str]) -> View:
    """Which view is asked for; as corrected, unless another is. Raises Refused `bad_view` (400)."""
    view = asked.get("view", "") or View.CORRECTED
    if view not in set(View):
        raise Refused(
            "bad_view", f"Choose a view from {', '.join(View)}.", field="view", value=view, status=400
        )
    return View(view)


def read_as_of(asked: Mapping[str, str], *, now: datetime) -> AsOf | None:
    """The day that is asked for with ``as_of``, ``by`` and ``view``, or None for the present.

    Raises Refused `bad_date` (400) for what is not a day between the first statement and today, and `bad_time` (400).
    """
    view = read_view(asked)
    by = asked.get("by", "") or By.EFFECTIVE
    if by not in set(By):
        raise Refused("bad_time", f"Choose a time from {', '.join(By)}.", field="by", value=by, status=400)
    text = asked.get("as_of", "")
    return AsOf(_day(text, now=now), By(by), view) if text else None


def _day(text: str, *, now: datetime) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise _bad_date("Write a day like 2026-01-31.", text) from None
    if day > now.date():
        raise _bad_date("This day has not come yet; name today or an earlier one.", text)
    began = Statement.objects.order_by("pk").values_list("accepted_at", flat=True).first()
    if began is not None and day < began.date():
        raise _bad_date(f"The book begins on {began.date()}; name that day or a later one.", text)
    return day


def _bad_date(sentence: str, text: str) -> Refused:
    return Refused("bad_date", sentence, field="as_of", value=text, status=400)


def steps_until(steps: Sequence[Step], asked: AsOf) -> list[Step]:
    """The steps of a history that count on that day."""
    if asked.by == By.RECORDED:
        return in_view(steps, asked.view, known_at=asked.until)
    return [step for step in in_view(steps, asked.view) if step.effective_at < asked.until]


@dataclass(frozen=True)
class Standing:
    """Where a chip was in the book on a day: on which account, by whom, where, since when, by which statement."""

    account: str
    holder: str
    holder_name: str
    site: str
    since: datetime
    statement: str

    @property
    def label(self) -> str:
        """The kind of account, in words."""
        return str(AccountKind(self.account).label).capitalize()


def standing_of(chip: Chip, steps: Sequence[Step], asked: AsOf, *, reader: Reader) -> Standing | None:
    """Where a chip was that day; None where the reader may not know it, or the chip was not in the book.

    ``steps`` is its whole history as far as this reader sees it. A party knows of the days on which it answered for
    the chip or expected it; a regulator of all days until the chip left its countries.
    """
    counted = steps_until(steps, asked)
    if not counted:
        return None
    last = counted[-1]
    target = last.target
    if reader.is_regulator:
        gone = (
            last.statement == steps[-1].statement and not visible(reader, Holding).filter(chip=chip).exists()
        )
        known = not gone
    else:
        expected = target.account == AccountKind.IN_TRANSIT and last.consignee == reader.handle
        known = target.organisation == reader.handle or expected
    if not known:
        return None
    return Standing(
        target.account, target.organisation, target.name, target.site, last.effective_at, last.statement
    )


def lines_at(*asked: AsOf) -> QuerySet[MovementLine]:
    """The last movement of each chip that counts on that day; of several views of it, in any of them."""
    return MovementLine.objects.filter(_are_last(asked))


def _are_last(asked: Sequence[AsOf]) -> Q:
    """Lines that are last in any of these views.

    Said of lines, and not asked of chips once for each view: of two EXISTS beside each other that compare by equality
    alone, the planner makes two tables of all lines.
    """
    return reduce(or_, (_is_last(each) for each in asked))


def _is_last(asked: AsOf) -> Q:
    """Lines whose movement counts on that day, in one view, while no later one of their chip does."""
    later = MovementLine.objects.filter(
        _counts(asked), chip_id=OuterRef("chip_id"), movement_id__gt=OuterRef("movement_id")
    )
    return _counts(asked) & ~Q(Exists(later))


def _counts(asked: AsOf) -> Q:
    if asked.by == By.RECORDED:
        return Q(movement__recorded_at__lt=asked.until)
    return Q(LessThan(_moment(asked), Value(asked.until)))


def _moment(asked: AsOf) -> F | Coalesce:
    """When a line's movement took effect, in one view and as far as it was known."""
    filed = F("movement__effective_at")
    if asked.view == View.FILED:
        return filed
    known = Correction.objects.filter(original_id=OuterRef("movement__statement_id"))
    if asked.by == By.RECORDED:
        known = known.filter(recorded_at__lt=asked.until)
    return Coalesce(Subquery(known.order_by("-pk").values("effective_at")[:1]), filed)


def known_lines_at(reader: Reader, *asked: AsOf) -> QuerySet[MovementLine]:
    """Those of ``lines_at`` of which the reader may know: it answered for the chip that day, or expected it;
    a regulator, when the account or the route touched its countries."""
    if reader.is_regulator:
        return _lines_in_at(reader.countries, asked).all()
    return lines_of(reader).filter(_are_last(asked))


@lru_cache(AUTHORITIES)
def _lines_in_at(countries: tuple[str, ...], asked: tuple[AsOf, ...]) -> QuerySet[MovementLine]:
    return lines_in(countries).filter(_are_last(asked))


def standings(chips: Iterable[Chip], asked: AsOf, *, reader: Reader) -> dict[int, Standing]:
    """Where each of a page of chips was that day, in one view, by chip number, as far as the reader may know."""
    lines = known_lines_at(reader, asked).filter(chip__in=[chip.pk for chip in chips])
    rows = lines.values_list(
        "chip_id",
        "movement__target__kind",
        "movement__target__organisation__signer__handle",
        "movement__target__organisation__name",
        "movement__target__site__code",
        _moment(asked),
        "movement__statement__digest",
    )
    return {
        number: Standing(account, holder, name, site, since, bytes(digest).hex())
        for number, account, holder, name, site, since, digest in rows
    }
