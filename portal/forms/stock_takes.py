"""The form of a count, and the filter of the list of counts."""

from __future__ import annotations

from datetime import UTC, datetime

from django import forms
from django.db.models import Q, QuerySet

from portal.forms.filters import ANY, Filter
from portal.forms.papers import FoundForm
from portal.papers.words import METHODS
from tracking.models import StockCount


class CountForm(FoundForm):
    """What was found at a site, when, and how that was found out."""

    kind = "stock.counted"
    counted_at = forms.DateTimeField(
        label="Counted at, UTC",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"),
        input_formats=["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"],
        help_text="The book is asked as it stood then. Left empty, it is the moment when the paper is prepared.",
    )
    method = forms.ChoiceField(
        label="Counted by",
        choices=[(value, words.capitalize()) for value, words in METHODS.items()],
        help_text="It stands in the paper. What attests now has proved itself; a scanner reads labels.",
    )
    nothing_found = forms.BooleanField(
        label="Nothing was found",
        required=False,
        help_text="Tick it when the site is empty: a paper without a chip says that all of them are missing.",
    )

    def instant(self) -> datetime | None:
        """When the chips were counted; None for now."""
        said: datetime | None = self.cleaned_data["counted_at"]
        return None if said is None else said.astimezone(UTC)


class StockTakeFilter(Filter):
    """Counts by site and by whether they agree with the book."""

    site = forms.CharField(
        required=False,
        max_length=63,
        help_text="The site, by its code.",
        widget=forms.TextInput(attrs={"placeholder": "code", "spellcheck": "false"}),
    )
    state = forms.ChoiceField(
        required=False,
        choices=[
            *ANY,
            ("agrees", "Agrees with the book"),
            ("differs", "Differs"),
            ("missing", "Chips missing"),
            ("unexpected", "Chips unexpected"),
        ],
        help_text="What the count found against the book as it stood then.",
    )

    def narrow(self, counts: QuerySet[StockCount]) -> QuerySet[StockCount]:
        said = self.answers()
        if said["site"]:
            counts = counts.filter(site__code=said["site"])
        match said["state"]:
            case "":
                return counts
            case "agrees":
                return counts.filter(missing=0, unexpected=0)
            case "differs":
                return counts.filter(Q(missing__gt=0) | Q(unexpected__gt=0))
            case state:
                return counts.filter(**{f"{state}__gt": 0})
