"""The form that describes a site: where it is, what it can carry, and which lines lead from it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from portal.forms.papers import PaperForm
from registry.access import Reader
from registry.models import Site

E7 = Decimal(10_000_000)


def _degrees(label: str, limit: int, help_text: str) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, min_value=-limit, max_value=limit, decimal_places=7, help_text=help_text
    )


class SiteForm(PaperForm):
    """What a site is. Of one that is amended, code and country stay as they are."""

    kind = "site.declared"

    code = forms.CharField(
        label="Code",
        max_length=63,
        help_text="How papers name the site: small letters, digits and hyphens. It stays for ever.",
    )
    name = forms.CharField(label="Name", max_length=200, help_text="As people call it.")
    country = forms.RegexField(
        r"^[A-Z]{2}$",
        label="Country",
        help_text="Two capital letters, such as DE. It decides which authorities oversee the site, and stays.",
        error_messages={"invalid": "Write a country as two capital letters, such as DE (ISO 3166-1)."},
    )
    latitude = _degrees("Latitude", 90, "In degrees of WGS 84; north is positive. 52.5200 is Berlin's.")
    longitude = _degrees("Longitude", 180, "In degrees of WGS 84; east is positive. 13.4050 is Berlin's.")
    slots = forms.IntegerField(
        label="Slots", min_value=0, max_value=10**8, help_text="How many chips fit in service here."
    )
    power_kw = forms.IntegerField(
        label="Power, kW", min_value=0, max_value=10**8, help_text="What the site can draw for its computers."
    )
    links = forms.CharField(
        label="Network links",
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="One a line: the code of the other site, then Mbit/s in all. Linked sites may count as one cluster.",
    )

    def __init__(
        self, *args: Any, kind: str, reader: Reader, site: Site | None = None, **kwargs: Any
    ) -> None:
        self.kind = kind
        self.site = site
        if site is not None:
            kwargs["initial"] = {
                "code": site.code,
                "name": site.name,
                "country": site.country,
                "latitude": Decimal(site.latitude_e7) / E7,
                "longitude": Decimal(site.longitude_e7) / E7,
                "slots": site.slots,
                "power_kw": site.power_kw,
                "links": "\n".join(
                    f"{link.other.code} {link.mbit_s}"
                    for link in site.links.select_related("other").order_by("pk")
                ),
            }
        super().__init__(*args, reader=reader, **kwargs)
        if site is not None:
            self.fields["code"].disabled = self.fields["country"].disabled = True
        self.order_fields([name for name in self.fields if name not in ("key", "second")])

    def clean_links(self) -> list[dict[str, object]]:
        """The links as the statement says them; each line that is none is named."""
        links: list[dict[str, object]] = []
        for row, line in enumerate(self.cleaned_data["links"].splitlines(), 1):
            words = line.split()
            if not words:
                continue
            if len(words) != 2 or not words[1].isascii() or not words[1].isdecimal():
                raise forms.ValidationError(
                    f"Line {row}, “{line[:80]}”: write the code of the other site, a blank, and whole Mbit/s."
                )
            links.append({"site": words[0], "mbit_s": int(words[1])})
        return links

    def members(self) -> dict[str, object]:
        """The members of the statement."""
        said = self.cleaned_data
        plain = ("code", "name", "country", "slots", "power_kw", "links")
        members = {name: said[name] for name in plain} | {
            "latitude_e7": int(said["latitude"] * E7),
            "longitude_e7": int(said["longitude"] * E7),
        }
        if self.site is not None:
            members["previous"] = bytes(self.site.statement.digest).hex()
        return members
