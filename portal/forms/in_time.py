"""Filters that can look at the book as it stood on a day: chips, one chip's history, balances."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from django import forms
from django.db.models import Q, QuerySet

from audits.models import Balance, DailyBalance
from portal.forms.filters import ANY, Filter, word
from registry.access import Reader, visible
from registry.models import Chip, ChipModel
from tracking.models import Account, AccountKind, Holding, MovementLine
from tracking.queries.as_of import AsOf, By, read_as_of
from tracking.queries.history import View

Placed = TypeVar("Placed", Account, Balance, DailyBalance)


class InTime(Filter):
    """A day on which the book is looked at, in which of its two times, and whether corrections count."""

    as_of = forms.CharField(
        required=False,
        label="As of",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The end of that day in UTC",
    )
    by = forms.ChoiceField(
        required=False,
        label="That day",
        choices=[(By.EFFECTIVE, "As it was then"), (By.RECORDED, "As known then")],
        help_text="By when things happened, or by what had been filed",
    )
    view = forms.ChoiceField(
        required=False,
        label="Corrections",
        choices=[(View.CORRECTED, "As corrected"), (View.FILED, "As filed"), (View.BOTH, "Both")],
        help_text="Whether later corrections count; both shows where they differ",
    )

    def as_of_asked(self, *, now: datetime) -> AsOf | None:
        """The day that is asked for; None for the present."""
        return read_as_of(self.answers(), now=now)


class HistoryFilter(InTime):
    """How the history of one chip is looked at."""

    field_order = ("view", "as_of", "by")


class ChipFilter(InTime):
    """Chips by serial, model, and by where they are, or were on a day, as far as the reader may know."""

    field_order = ("serial", "model", "holder", "site", "account")

    serial = forms.CharField(
        required=False, max_length=64, help_text="How the serial begins; capitals and small letters differ."
    )
    model = word("code or name", "A model's code, or a part of its name.")
    holder = word("handle", "The organisation that answers for the chips now.")
    site = word("code", "The site, by its code.")
    account = forms.ChoiceField(
        required=False,
        choices=[*ANY, *AccountKind.choices],
        help_text="Where the chips are in the book; in service is on hand.",
    )

    def narrow(
        self, chips: QuerySet[Chip], *, reader: Reader, lines: QuerySet[MovementLine] | None
    ) -> QuerySet[Chip]:
        """Where chips are is asked of the holdings that the reader may see, or of ``lines``, those of the day that is
        asked for: nobody learns by filtering what they may not read."""
        said = self.answers()
        if said["serial"]:
            chips = chips.filter(serial__startswith=said["serial"])
        if said["model"]:
            named = Q(code=said["model"]) | Q(name__icontains=said["model"])
            chips = chips.filter(model__in=ChipModel.objects.filter(named))
        account = "account" if lines is None else "movement__target"
        where = {
            f"{account}__organisation__signer__handle": said["holder"],
            f"{account}__site__code": said["site"],
            f"{account}__kind": said["account"],
        }
        given = {name: value for name, value in where.items() if value}
        if lines is not None:
            return chips.filter(pk__in=lines.filter(**given).values("chip_id"))
        if not given:
            return chips
        return chips.filter(pk__in=visible(reader, Holding).filter(**given).values("pk"))


class BalanceFilter(InTime):
    """Balances by organisation and site, and those that do not close, now or on a day."""

    field_order = ("organisation", "site", "as_of", "by", "view", "open")

    organisation = word("handle", "The organisation, by its handle.")
    site = word("code", "The site, by its code.")
    open = forms.BooleanField(
        required=False, label="With unaccounted chips", help_text="Only where book and silicon disagree."
    )

    def narrow(self, balances: QuerySet[Balance]) -> QuerySet[Balance]:
        balances = self.narrow_to(balances)
        return balances.filter(unaccounted__gt=0) if self.answers()["open"] else balances

    def narrow_to(self, rows: QuerySet[Placed]) -> QuerySet[Placed]:
        """Of an organisation, at a site."""
        said = self.answers()
        if said["organisation"]:
            rows = rows.filter(organisation__signer__handle=said["organisation"])
        return rows.filter(site__code=said["site"]) if said["site"] else rows
