"""Where a world happens: real sites with their chip counts scaled down, and the stock rooms of makers and traders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from simulator.catalogue import OrganisationFact, Share, SiteFact, load_organisations, load_sites
from simulator.plan.world import Place

LEAST_SITES: Final = 60
LEAST_AT_A_SITE: Final = 4

_HUBS: Final[Mapping[str, tuple[str, int, int]]] = {
    "TW": ("Taoyuan", 249_936_000, 1_213_010_000),
    "US": ("Fremont", 375_485_000, -1_219_886_000),
    "CN": ("Shenzhen", 225_431_000, 1_140_579_000),
    "FR": ("Angers", 474_784_000, -5_632_000),
    "CA": ("Toronto", 436_532_000, -793_832_000),
    "JP": ("Yokohama", 354_437_000, 1_396_380_000),
}
"""Towns where makers, integrators and distributors keep stock in a simulated world."""


@dataclass(frozen=True, slots=True)
class Venue:
    """A real site in this world: its facts, and how many chips it is to have in the end."""

    fact: SiteFact
    chips: int


def choose_sites(chips: int, *, until: datetime) -> list[SiteFact]:
    """The sites of a world of so many chips, from the largest to the smallest; never fewer than 60.

    Sites that open after ``until`` are left out.
    """
    known = sorted(
        (fact for fact in load_sites() if fact.opened < until.date()),
        key=lambda fact: (-fact.chip_count, fact.code),
    )
    return _spread(known, max(LEAST_SITES, min(len(known), chips // 60)))


def share_out(chips: int, facts: Sequence[SiteFact]) -> list[Venue]:
    """Give the sites exactly ``chips`` together, in real proportion above a floor that every site gets.

    Raises ValueError when the floor alone is more than there is.
    """
    floor = max(LEAST_AT_A_SITE, min(12, chips // (2 * len(facts))))
    rest = chips - floor * len(facts)
    if rest < 0:
        raise ValueError(f"{chips} chips are too few for {len(facts)} sites")
    real = sum(fact.chip_count for fact in facts)
    counts = [floor + rest * fact.chip_count // real for fact in facts]
    counts[0] += chips - sum(counts)
    return [Venue(fact, count) for fact, count in zip(facts, counts, strict=True)]


def _spread(facts: Sequence[SiteFact], wanted: int) -> list[SiteFact]:
    """So many of the sites, evenly from the largest to the smallest."""
    step = len(facts) / wanted
    return [facts[int(number * step)] for number in range(wanted)]


def place_of(fact: SiteFact, *, chips: int) -> Place:
    """A real site as it is declared."""
    return Place(
        code=fact.code,
        name=fact.name,
        organisation=fact.owner,
        country=fact.country,
        latitude_e7=fact.latitude_e7,
        longitude_e7=fact.longitude_e7,
        power_kw=fact.power_kw,
        slots=max(256, 4 * chips),
        real=True,
    )


def stock_room_of(organisation: OrganisationFact) -> Place:
    """Where a maker, integrator or distributor keeps chips; the place is invented, the town is real."""
    near = [country for country in ("TW", *organisation.countries) if country in organisation.countries]
    country = next((country for country in near if country in _HUBS), "US")
    town, latitude, longitude = _HUBS[country]
    return Place(
        code=f"{organisation.handle}-stock",
        name=f"{organisation.name} stock, {town}",
        organisation=organisation.handle,
        country=country,
        latitude_e7=latitude,
        longitude_e7=longitude,
        power_kw=2_000,
        slots=100_000,
        real=False,
    )


def organisations_of_kind(kind: str) -> list[OrganisationFact]:
    """The organisations of one kind, in the order of the catalogue."""
    return [organisation for organisation in load_organisations() if organisation.kind == kind]


def invented_operator(handle: str, country: str, *owners: Share) -> OrganisationFact:
    """An operator that no real one is taken for: its name says that it is invented."""
    name = handle.replace("-", " ").title() + " (invented)"
    return OrganisationFact(handle=handle, name=name, kind="operator", countries=(country,), owners=owners)


def invented_site(near: SiteFact, code: str, operator: str, *, slots: int, step: int) -> Place:
    """An invented site a few kilometres from a real one."""
    real = place_of(near, chips=slots)
    return replace(
        real,
        code=code,
        name=f"{code.replace('-', ' ').title()} (invented)",
        organisation=operator,
        latitude_e7=real.latitude_e7 + 300_000 * step,
        power_kw=1_000,
        slots=slots,
        real=False,
    )
