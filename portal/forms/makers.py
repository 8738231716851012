"""Forms of a maker: new chips, and the chip models that they are of."""

from __future__ import annotations

from django import forms
from django.db.models import Exists, OuterRef, QuerySet

from portal.forms.filters import ANY, Filter
from portal.forms.papers import CHOOSE, PaperForm, own_sites
from portal.serial_ranges import MAX_TEXT
from registry.access import Reader, visible
from registry.models import Chip, ChipModel
from tracking.models import AccountKind, Holding


class BatchForm(PaperForm):
    """New chips, in a file or written as ranges of serials."""

    kind = "chips.commissioned"
    site = forms.ChoiceField(label="Site", help_text="Where the chips are, on your account.")
    file = forms.FileField(
        label="Chips",
        required=False,
        help_text="CSV with the columns model, serial and device_key, or JSON Lines with the same members; "
        "up to 1,000,000 rows and 512 MiB. The device key may be empty.",
    )
    serials = forms.CharField(
        label="Serials",
        required=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "placeholder": "A100..A199, B7"}),
        help_text="Separated by commas, blanks or lines. Zeros in front and check digits behind stay as they are: "
        "A0001-7..A0099-7. Chips that come this way have no device key.",
    )
    model = forms.ChoiceField(
        label="Model of these serials",
        required=False,
        help_text="Of a file, each row names its own.",
    )
    leaves_out = forms.BooleanField(
        label="Skip rows already registered identically",
        required=False,
        help_text="They are left out of what you sign. A row that differs from the register stays a fault.",
    )

    def __init__(self, *args: object, reader: Reader, **kwargs: object) -> None:
        super().__init__(*args, reader=reader, **kwargs)
        own = visible(reader, ChipModel).filter(maker=reader.organisation).order_by("code")
        self.models = list(own.values_list("code", "name")[:1000])
        self.fields["site"].choices = own_sites(reader)  # type: ignore[attr-defined] # a ChoiceField, as below
        self.fields["model"].choices = [CHOOSE, *((code, f"{name} ({code})") for code, name in self.models)]  # type: ignore[attr-defined]


class BatchFilter(Filter):
    """The chips of a batch by model, and by where they are as far as their maker may know."""

    serial = forms.CharField(required=False, max_length=64, help_text="Begins with")
    model = forms.CharField(required=False, max_length=63)
    where = forms.ChoiceField(
        required=False,
        choices=[
            *ANY,
            ("on_hand", "In stock"),
            ("in_transit", "In transit"),
            ("delivered", "Delivered"),
            ("others", "Lost, retired and others"),
        ],
    )
    site = forms.CharField(required=False, max_length=63)

    def narrow(self, chips: QuerySet[Chip], reader: Reader) -> QuerySet[Chip]:
        said = self.answers()
        if said["serial"]:
            chips = chips.filter(serial__startswith=said["serial"])
        if said["model"]:
            chips = chips.filter(model__in=ChipModel.objects.filter(code=said["model"]))
        placed = visible(reader, Holding).filter(pk=OuterRef("pk"))
        if said["site"]:
            chips = chips.filter(Exists(placed.filter(account__site__code=said["site"])))
        match said["where"]:
            case "":
                return chips
            case "delivered":
                return chips.filter(~Exists(placed))
            case "others":
                elsewhere = placed.exclude(account__kind__in=[AccountKind.ON_HAND, AccountKind.IN_TRANSIT])
                return chips.filter(Exists(elsewhere))
            case kind:
                return chips.filter(Exists(placed.filter(account__kind=kind)))
