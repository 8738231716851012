"""The form of what a holder says of its own chips at a site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Final

from django import forms

from chipledger.statements.common import REFERENCE, format_instant
from portal.forms.papers import PaperForm, offer, own_sites
from registry.access import Reader


@dataclass(frozen=True)
class CustodyAct:
    """One kind of statement about own chips, as the pages name it; ``asks`` is the member that it needs besides."""

    kind: str
    title: str
    sentence: str
    asks: str = ""


ACTS: Final = {
    "install": CustodyAct(
        "chips.installed",
        "Install chips",
        "In service they owe evidence of themselves; the account they are on does not change.",
    ),
    "remove": CustodyAct(
        "chips.removed", "Remove chips", "They go from service into storage, and owe no evidence there."
    ),
    "lose": CustodyAct(
        "chips.lost",
        "Report chips lost",
        "They stay unaccounted for, and yours to answer for, until they are recovered.",
        asks="reason",
    ),
    "steal": CustodyAct(
        "chips.stolen",
        "Report chips stolen",
        "They stay unaccounted for, and yours to answer for, until they are recovered.",
        asks="report",
    ),
    "recover": CustodyAct(
        "chips.recovered",
        "Report chips recovered",
        "Lost or stolen chips come back on your account, at the site that you name.",
        asks="reason",
    ),
    "retire": CustodyAct(
        "chips.retired",
        "Retire chips",
        "They are out of use for good, and count until their destruction is certified.",
        asks="reason",
    ),
}


class CustodyForm(PaperForm):
    """Where and when, and why or by which report where the kind asks for it."""

    site = forms.ChoiceField(label="Site", help_text="Your site at which the chips are.")
    happened_at = forms.DateTimeField(
        label="When it happened, UTC",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        help_text="Not in the future.",
    )
    reason = forms.RegexField(
        r"^[a-z0-9][a-z0-9_.-]{0,62}$",
        label="Reason",
        max_length=63,
        help_text="A short code in small letters, such as not_in_rack or end_of_life.",
        error_messages={"invalid": "Write a reason in small letters, digits and _.- only, without spaces."},
    )
    report = forms.RegexField(
        REFERENCE,
        label="Number of the police report",
        help_text="As the police wrote it.",
        error_messages={
            "invalid": "Give a report number of up to 80 letters, digits, spaces and ._/#:- only."
        },
    )

    def __init__(self, *args: object, act: CustodyAct, reader: Reader, **kwargs: object) -> None:
        self.kind = act.kind
        super().__init__(*args, reader=reader, **kwargs)
        offer(self, "site", own_sites(reader))
        for name in {"reason", "report"} - {act.asks}:
            del self.fields[name]

    def said(self) -> dict[str, str]:
        """The members of the statement, without the chips."""
        members = {
            name: str(self.cleaned_data[name])
            for name in ("site", "reason", "report")
            if name in self.cleaned_data
        }
        return members | {"happened_at": format_instant(self.cleaned_data["happened_at"].astimezone(UTC))}
