"""What a simulated world consists of: who and what there is, the papers that are signed, and what really happens.

Everything here is a value. The papers become statements at the public door; the moves are known to nobody but the
chips themselves, which prove where they are when their gateway asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from chipledger.statements.common import Statement
from chipledger.statements.registry import OrganisationAdmitted
from registry.catalogue import CatalogueModel
from simulator.catalogue import OrganisationFact
from simulator.plan.truth import Benign, Event

BEGAN_AT: Final = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday. Papers of the set-up carry this day."""

CADENCE: Final = timedelta(days=7)
ROUND_HOUR: Final = timedelta(hours=12)
"""When, on the first day of each week, the gateways collect evidence."""

SWEEP_HOUR: Final = timedelta(hours=18)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Place:
    """A site to be declared. Coordinates are WGS 84 in 1e-7 degree; ``real`` ones come from the catalogue."""

    code: str
    name: str
    organisation: str
    country: str
    latitude_e7: int
    longitude_e7: int
    power_kw: int
    slots: int
    real: bool


@dataclass(frozen=True, slots=True)
class Unit:
    """One chip: its name ``maker/serial`` and its model's code."""

    name: str
    model: str

    @property
    def serial(self) -> str:
        return self.name.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Paper:
    """A statement that an organisation signs at an instant. ``chips`` are numbers of units.

    ``consignment`` numbers a dispatch, or says which dispatch this paper answers. ``facts`` are further members of
    the payload; a member whose value is a tuple of numbers, or of pairs of them, names chips, and ``claimed`` are the
    chips of a settlement that nobody may know. An admission is filed for ``by`` and signed by its regulator.
    """

    at: datetime
    by: str
    body: type[Statement]
    chips: tuple[int, ...]
    facts: Mapping[str, object]
    consignment: int | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """What really happens to chips: from now on they run at a site, or nowhere."""

    at: datetime
    chips: tuple[int, ...]
    site: str | None


@dataclass(frozen=True, slots=True)
class Clone:
    """A copied identity that answers at another site in the rounds from ``first`` to ``last``."""

    chip: int
    site: str
    first: int
    last: int


@dataclass(frozen=True)
class World:
    """A whole world and its history, the same for the same seed and size."""

    seed: int
    weeks: int
    organisations: tuple[OrganisationFact, ...]
    models: tuple[CatalogueModel, ...]
    places: tuple[Place, ...]
    links: Mapping[str, tuple[str, int]]
    """Sites with a fast link to another one declared before them, and its Mbit/s."""
    units: tuple[Unit, ...]
    papers: tuple[Paper, ...]
    moves: tuple[Move, ...]
    clones: tuple[Clone, ...]
    silent: frozenset[tuple[int, str]]
    """Rounds in which a whole site sends nothing."""
    missed: Mapping[int, frozenset[int]]
    """Chips that do not answer in a round, though they run."""
    events: tuple[Event, ...]
    benign: tuple[Benign, ...]

    @property
    def ends_at(self) -> datetime:
        """The instant of the last sweep."""
        return sweep_at(self.weeks - 1)

    @property
    def newcomers(self) -> frozenset[str]:
        """Organisations that join during the run; every other one is there from the first day."""
        return frozenset(paper.by for paper in self.papers if paper.body is OrganisationAdmitted)

    def waybill(self, consignment: int) -> str:
        """The reference that a consignment travels under."""
        return waybill_of(self.seed, consignment)


def round_at(week: int) -> datetime:
    """When the gateways collect evidence in a week."""
    return BEGAN_AT + week * CADENCE + ROUND_HOUR


def sweep_at(week: int) -> datetime:
    """When the audits look, in a week: after that week's round."""
    return BEGAN_AT + week * CADENCE + SWEEP_HOUR


def waybill_of(seed: int, consignment: int) -> str:
    return f"WB-{seed}-{consignment:05d}"
