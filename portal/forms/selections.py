"""The form that chooses chips: by name, from a file or a scanner, or by what they have in common."""

from __future__ import annotations

from typing import Any

from django import forms

from chipledger.manifests import MAX_ROWS
from portal.forms.filters import ANY
from portal.forms.papers import offer, own_sites
from portal.queries.selections import Wanted, models_held
from registry.access import Reader

FILTERS = ("site", "model", "begins_with", "placement", "first")


class SelectionForm(forms.Form):
    """Either names (pasted, scanned, in a file) or a filter of one's own chips; never both."""

    chips = forms.CharField(
        label="Chips",
        required=False,
        max_length=2_000_000,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text="One a line: maker/serial, or the serial alone where it is the only one of yours.",
    )
    file = forms.FileField(
        label="Or a file of chips", required=False, help_text="CSV or JSON Lines, or plain lines."
    )
    site = forms.ChoiceField(label="At site", required=False, help_text="Where they are in the book.")
    model = forms.ChoiceField(label="Model", required=False, help_text="Models of which you hold chips.")
    begins_with = forms.RegexField(
        r"^[A-Za-z0-9._-]{1,64}$",
        label="Serial begins with",
        required=False,
        help_text="The letters and digits that a batch has in common.",
        error_messages={"invalid": "Give a beginning of letters, digits and ._- only."},
    )
    placement = forms.ChoiceField(
        label="Placement",
        required=False,
        choices=[*ANY, ("installed", "In service"), ("stored", "In storage")],
        help_text="Whether they are installed.",
    )
    first = forms.IntegerField(
        label="Only the first",
        required=False,
        min_value=1,
        max_value=MAX_ROWS,
        help_text="So many of them, in the order of their serials; empty takes all.",
    )

    def __init__(self, *args: Any, reader: Reader, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "site", [*ANY, *own_sites(reader)])
        offer(self, "model", [*ANY, *models_held(reader)])

    def clean(self) -> dict[str, Any]:
        """One way of choosing, so that nobody takes chips along by a forgotten filter."""
        said = super().clean() or {}
        names = bool(said.get("chips") or said.get("file"))
        filters = any(said.get(name) for name in FILTERS)
        if names and filters:
            raise forms.ValidationError("Name the chips or filter them, not both; empty one of the two.")
        if not (names or filters or self.errors):
            raise forms.ValidationError("Name at least one chip, or choose by one of the filters.")
        return said

    def wanted(self) -> Wanted | None:
        """The filter, None where the chips are named."""
        said = self.cleaned_data
        if not any(said[name] for name in FILTERS):
            return None
        return Wanted(said["site"], said["model"], said["begins_with"], said["placement"], said["first"])
