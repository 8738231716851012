"""Forms of a transfer's papers: what leaves and for whom, what was found on arrival, and why it differs."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any, Final

from django import forms

from chipledger.statements.common import REFERENCE
from chipledger.statements.tracking import REASONS
from ledger.authority import HOLDERS
from ledger.models import SignerKind, Standing
from portal.forms.papers import CHOOSE, FoundForm, PaperForm, offer, own_sites
from portal.selections import Comparison
from registry.access import Reader, visible
from registry.models import Organisation
from tracking.models import Why

EACH: Final = 60
"""So many chips of a set can have a reason of their own on the page; the others take the set's."""
SETS: Final = {
    "short": "Expected, not seen",
    "over": "Seen, not expected",
    "swapped": "Swapped",
    "damaged": "Damaged",
}


class DispatchForm(PaperForm):
    """Chips that leave, for whom, and when they should arrive."""

    kind = "transfer.dispatched"
    from_site = forms.ChoiceField(label="From", help_text="The site of yours where the chips are on hand.")
    consignee = forms.ChoiceField(
        label="Consignee", help_text="Yourself, when you move chips between your own sites."
    )
    to_site = forms.CharField(
        label="To site", max_length=63, help_text="The code of the consignee's site, as it told you."
    )
    estimated_arrival = forms.DateField(
        label="Estimated arrival",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The day, in UTC; the receipt is due some days after it.",
    )
    carrier = forms.ChoiceField(
        label="Carrier", required=False, help_text="It sees the shipment and its count, not the serials."
    )
    waybill = forms.RegexField(
        REFERENCE,
        label="Waybill",
        required=False,
        help_text="The carrier's number for the shipment.",
        error_messages={"invalid": "Give a waybill of up to 80 letters, digits, spaces and ._/#:- only."},
    )
    authorisation = forms.RegexField(
        REFERENCE,
        label="Authorisation",
        required=False,
        help_text="The number of the licence or permit that you ship under, where there is one.",
        error_messages={
            "invalid": "Give an authorisation of up to 80 letters, digits, spaces and ._/#:- only."
        },
    )

    def __init__(self, *args: object, reader: Reader, **kwargs: object) -> None:
        super().__init__(*args, reader=reader, **kwargs)
        holders, carriers = _parties(reader)
        offer(self, "from_site", own_sites(reader))
        offer(self, "consignee", [CHOOSE, *holders])
        offer(self, "carrier", [("", "None named"), *carriers])

    def arrival(self) -> datetime:
        """The end of the day of arrival, in UTC."""
        return datetime.combine(self.cleaned_data["estimated_arrival"], time(23, 59, 59), tzinfo=UTC)


def _parties(reader: Reader) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Admitted organisations that may hold chips, and carriers, by name."""
    holders, carriers = [], []
    admitted = visible(reader, Organisation).filter(signer__standing=Standing.ADMITTED)
    for organisation in admitted.select_related("signer").order_by("name"):
        choice = (organisation.signer.handle, f"{organisation.name} ({organisation.signer.handle})")
        if organisation.signer.kind in HOLDERS:
            holders.append(choice)
        elif organisation.signer.kind == SignerKind.CARRIER:
            carriers.append(choice)
    return holders, carriers


class ReceiptForm(FoundForm):
    """What was found when the shipment was opened."""

    kind = "transfer.received"
    damaged = forms.CharField(
        label="Of these, damaged",
        required=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="They are taken over too.",
    )
    swapped = forms.CharField(
        label="Swapped",
        required=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="One pair a line: the serial expected, then the one found in its place.",
    )


class ReasonsForm(forms.Form):
    """Why chips are not as dispatched: a reason for each set, and others for single chips of it."""

    def __init__(self, *args: Any, found: Comparison, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sets = found.differing()
        for kind, names in self.sets.items():
            choices = [(why, str(Why(why).label)) for why in REASONS[kind]]
            self.fields[f"why-{kind}"] = forms.ChoiceField(
                label=f"{SETS[kind]}: why",
                required=False,
                choices=[CHOOSE, *choices],
                help_text="As far as you can tell; it is signed with the receipt.",
            )
            for name in names[:EACH] if len(names) > 1 else []:
                self.fields[f"why-{kind}:{name}"] = forms.ChoiceField(
                    label=name,
                    required=False,
                    choices=[("", "As said above"), *choices],
                    help_text="Only where it differs from the reason above.",
                )

    def clean(self) -> dict[str, Any]:
        """Leave no difference without a reason."""
        for kind, names in self.sets.items():
            if not all(self.why(kind, name) for name in names):
                self.add_error(f"why-{kind}", "Choose a reason for all of them, or one for each.")
        return self.cleaned_data

    def why(self, kind: str, name: str) -> str:
        """The reason of one chip: its own, or that of its set."""
        return str(self.cleaned_data.get(f"why-{kind}:{name}") or self.cleaned_data.get(f"why-{kind}") or "")

    def reasons(self) -> list[dict[str, str]]:
        """The reasons as a receipt says them."""
        return [
            {"chip": name, "why": self.why(kind, name)} for kind, names in self.sets.items() for name in names
        ]

    def groups(self) -> list[tuple[str, list[str], forms.BoundField, list[forms.BoundField]]]:
        """Each set for the page: its words, its chips, the field of all and the fields of each."""
        return [
            (SETS[kind], names, self[f"why-{kind}"], self._each(kind)) for kind, names in self.sets.items()
        ]

    def _each(self, kind: str) -> list[forms.BoundField]:
        return [self[key] for key in self.fields if key.startswith(f"why-{kind}:")]
