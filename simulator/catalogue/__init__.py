"""The real places and organisations that a simulated world is built on; what happens there is invented.

The README beside the two files names the source of the figures and what was derived.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib import resources


class Coordinates(StrEnum):
    """How exactly a site is placed: at its address, or only in its town (about 0.01 degree)."""

    SITE = "site"
    TOWN = "town"


class PowerSource(StrEnum):
    """Where a site's power comes from: a public figure, or its chips times their TDP times 1.6."""

    DECLARED = "declared"
    DERIVED = "derived"


@dataclass(frozen=True, slots=True)
class SiteFact:
    """One real data centre. Coordinates in 1e-7 degree, power in kW, chips of the site's main model only."""

    code: str
    name: str
    owner: str
    country: str
    city: str
    region: str
    latitude_e7: int
    longitude_e7: int
    coordinates: Coordinates
    power_kw: int
    power_source: PowerSource
    chip_model: str
    chip_count: int
    opened: date


@dataclass(frozen=True, slots=True)
class Share:
    """A holding in an organisation, in basis points."""

    owner: str
    basis_points: int


@dataclass(frozen=True, slots=True)
class OrganisationFact:
    """One organisation; for a regulator or an inspectorate the countries are its jurisdiction."""

    handle: str
    name: str
    kind: str
    countries: tuple[str, ...]
    owners: tuple[Share, ...]


@cache
def load_sites() -> tuple[SiteFact, ...]:
    """Every site, in the order of the file."""
    return tuple(
        SiteFact(
            code=row["code"],
            name=row["name"],
            owner=row["owner"],
            country=row["country"],
            city=row["city"],
            region=row["region"],
            latitude_e7=int(row["latitude_e7"]),
            longitude_e7=int(row["longitude_e7"]),
            coordinates=Coordinates(row["coordinates"]),
            power_kw=int(row["power_kw"]),
            power_source=PowerSource(row["power_source"]),
            chip_model=row["chip_model"],
            chip_count=int(row["chip_count"]),
            opened=date.fromisoformat(row["opened"]),
        )
        for row in _rows_of("sites.csv")
    )


@cache
def load_organisations() -> tuple[OrganisationFact, ...]:
    """Every organisation, in the order of the file."""
    return tuple(
        OrganisationFact(
            handle=row["handle"],
            name=row["name"],
            kind=row["kind"],
            countries=tuple(row["countries"].split()),
            owners=tuple(_share_of(share) for share in row["owners"].split()),
        )
        for row in _rows_of("organisations.csv")
    )


def _share_of(text: str) -> Share:
    owner, _, basis_points = text.partition(":")
    return Share(owner=owner, basis_points=int(basis_points))


def _rows_of(file: str) -> Iterator[dict[str, str]]:
    text = resources.files(__name__).joinpath(file).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())
