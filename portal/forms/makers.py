"""Forms of a maker: new chips, and the chip models that they are of."""

from __future__ import annotations

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.forms.filters import ANY, Filter
from portal.forms.papers import CHOOSE, PaperForm, offer, own_sites
from portal.serial_ranges import MAX_TEXT
from registry.access import Reader, visible
from registry.models import Chip, ChipModel
from registry.rules import least_tpp
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
        offer(self, "site", own_sites(reader))
        offer(self, "model", [CHOOSE, *((code, f"{name} ({code})") for code, name in self.models)])


class BatchFilter(Filter):
    """The chips of a batch by model, and by where they are as far as their maker may know."""

    serial = forms.CharField(required=False, max_length=64, help_text="Begins with")
    model = forms.CharField(required=False, max_length=63, help_text="The code of a model.")
    where = forms.ChoiceField(
        required=False,
        help_text="Delivered chips are their holders' to answer for.",
        choices=[
            *ANY,
            ("on_hand", "In stock"),
            ("in_transit", "In transit"),
            ("delivered", "Delivered"),
            ("others", "Lost, retired and others"),
        ],
    )
    site = forms.CharField(required=False, max_length=63, help_text="The code of one of your sites.")

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


class ModelFilter(Filter):
    """Chip models by maker, and by code or a part of the name."""

    model = forms.CharField(
        required=False,
        max_length=63,
        widget=forms.TextInput(attrs={"placeholder": "code or name"}),
        help_text="The code, or a part of the name.",
    )
    maker = forms.CharField(
        required=False,
        max_length=63,
        widget=forms.TextInput(attrs={"placeholder": "handle"}),
        help_text="The handle of the maker.",
    )

    def narrow(self, models: QuerySet[ChipModel]) -> QuerySet[ChipModel]:
        said = self.answers()
        if said["model"]:
            models = models.filter(Q(code=said["model"]) | Q(name__icontains=said["model"]))
        return models.filter(maker__signer__handle=said["maker"]) if said["maker"] else models


def _rate(label: str, help_text: str = "Empty where the chip does not compute in it.") -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=1, max_value=10**10, help_text=help_text)


class ModelForm(PaperForm):
    """The figures of a chip model; an empty TPP is taken from the rates."""

    kind = "model.published"
    rates = ("fp32", "tf32", "fp16", "fp8", "int8", "fp4")

    code = forms.CharField(
        label="Code",
        max_length=63,
        help_text="How batches name the model: small letters, digits and hyphens. It stays for ever.",
    )
    name = forms.CharField(label="Name", max_length=200, help_text="As it is sold, such as H100 SXM 80 GB.")
    fp32 = _rate("FP32, GFLOP/s", "Rates are dense, in 1e9 operations a second: never count sparsity.")
    tf32 = _rate("TF32, GFLOP/s", "Counted with the 19 bits that are multiplied.")
    fp16 = _rate("FP16 or BF16, GFLOP/s", "989,500 for an H100 SXM. One policy counts chips by this rate.")
    fp8 = _rate("FP8, GFLOP/s")
    int8 = _rate("INT8, GOP/s")
    fp4 = _rate("FP4, GFLOP/s")
    tpp = forms.IntegerField(
        label="TPP",
        required=False,
        min_value=1,
        max_value=10**8,
        help_text="Total processing performance: the most of rate times bits over the formats, in 1e12. Left empty, it "
        "is what your rates give; less than that is refused.",
    )
    memory_mb = forms.IntegerField(
        label="Memory, MB",
        min_value=0,
        max_value=10**8,
        help_text="Decimal megabytes: 80 GB are 80,000. What is in the package counts against memory policies.",
    )
    memory_kind = forms.CharField(
        label="Kind of memory", max_length=20, help_text="Such as HBM3, SRAM, GDDR6 or LPDDR5."
    )
    memory_bandwidth_gbs = forms.IntegerField(
        label="Memory bandwidth, GB/s", min_value=0, max_value=10**7, help_text="3,350 for an H100 SXM."
    )
    tdp_w = forms.IntegerField(
        label="TDP, W",
        min_value=1,
        max_value=10**6,
        help_text="What the chip may draw, by which sites are judged.",
    )

    def gflops(self) -> dict[str, int]:
        """The rates that were given, by format."""
        return {name: self.cleaned_data[name] for name in self.rates if self.cleaned_data[name] is not None}

    def members(self) -> dict[str, object]:
        """The members of the statement."""
        said, gflops = self.cleaned_data, self.gflops()
        plain = ("code", "name", "memory_mb", "memory_kind", "memory_bandwidth_gbs", "tdp_w")
        tpp = said["tpp"] or (least_tpp(gflops) if gflops else 1)
        return {**{name: said[name] for name in plain}, "gflops": gflops, "tpp": tpp}
