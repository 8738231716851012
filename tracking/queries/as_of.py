"""The book on a day gone by: as it was then by effective time, or as it was known then by recorded time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from chipledger.refusals import Refused
from ledger.models import Statement
from registry.access import Reader, visible
from registry.models import Chip
from tracking.models import Account, AccountKind, Correction, Holding, MovementLine
from tracking.queries.access import accounts_touching
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


def lines_at(asked: AsOf) -> QuerySet[MovementLine]:
    """The last movement of each chip that counts on that day, with ``at``, when it took effect."""
    later = _counted(MovementLine.objects.all(), asked).filter(
        chip_id=OuterRef("chip_id"), movement_id__gt=OuterRef("movement_id")
    )
    return _counted(MovementLine.objects.all(), asked).filter(~Exists(later))


def _counted(lines: QuerySet[MovementLine], asked: AsOf) -> QuerySet[MovementLine]:
    """Lines of movements that count on that day."""
    known = Correction.objects.filter(original_id=OuterRef("movement__statement_id"))
    if asked.by == By.RECORDED:
        known = known.filter(recorded_at__lt=asked.until)
    newest = Subquery(known.order_by("-pk").values("effective_at")[:1])
    filed = F("movement__effective_at")
    lines = lines.annotate(at=filed if asked.view == View.FILED else Coalesce(newest, filed))
    if asked.by == By.RECORDED:
        return lines.filter(movement__recorded_at__lt=asked.until)
    return lines.filter(at__lt=asked.until)


def known_lines_at(reader: Reader, asked: AsOf) -> QuerySet[MovementLine]:
    """Those of ``lines_at`` of which the reader may know: it answered for the chip that day, or expected it;
    a regulator, when the account or the route touched its countries."""
    if reader.is_regulator:
        countries = list(reader.countries)
        route = Q(movement__transfer__to_site__country__in=countries) | Q(
            movement__transfer__consignee__countries__overlap=countries
        )
        own = accounts_touching(reader)
    else:
        route = Q(movement__transfer__consignee=reader.organisation)
        own = Account.objects.filter(organisation=reader.organisation)
    under_way = Q(movement__target__kind=AccountKind.IN_TRANSIT) & route
    numbers = list(own.values_list("pk", flat=True))
    return lines_at(asked).filter(Q(movement__target_id__in=numbers) | under_way)


def standings(chips: Iterable[Chip], asked: AsOf, *, reader: Reader) -> dict[int, Standing]:
    """Where each of a page of chips was that day, by chip number, as far as the reader may know."""
    lines = known_lines_at(reader, asked).filter(chip__in=[chip.pk for chip in chips])
    return {
        line.chip_id: Standing(
            line.movement.target.kind,
            line.movement.target.organisation.signer.handle,
            line.movement.target.organisation.name,
            line.movement.target.site.code,
            getattr(line, "at"),  # noqa: B009 # annotated above
            bytes(line.movement.statement.digest).hex(),
        )
        for line in lines.select_related(
            "movement__target__organisation__signer", "movement__target__site", "movement__statement"
        )
    }
