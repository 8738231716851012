"""A world while it is being made up: chips, papers and moves are added in any order and sorted at the end."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chipledger.statements.common import Statement
from chipledger.statements.tracking import TransferDispatched, TransferReceived
from registry.catalogue import CatalogueModel, load_models
from simulator.catalogue import OrganisationFact, load_organisations
from simulator.plan.truth import ALLOWED, Benign, Event, Kind
from simulator.plan.world import BEGAN_AT, CADENCE, DAY, Clone, Move, Paper, Place, Unit, sweep_at


@dataclass(frozen=True, slots=True)
class Consignment:
    """Chips that left: what the consignee will have to answer for."""

    number: int
    chips: tuple[int, ...]
    consignee: str
    to_site: str
    arrival: datetime


class Draft:
    """Everything that has been made up so far. ``veterans`` are chips that ran on day one and that nothing
    happens to yet; ``opening`` is the stock of day one by site and maker; ``watched`` are rounds that a
    site must not miss, because an event's deadline counts from them.
    """

    def __init__(self, seed: int, weeks: int) -> None:
        self.seed = seed
        self.weeks = weeks
        self.ends_at = sweep_at(weeks - 1)
        self.models: dict[str, CatalogueModel] = {model.code: model for model in load_models()}
        self.organisations: dict[str, OrganisationFact] = {fact.handle: fact for fact in load_organisations()}
        self.places: dict[str, Place] = {}
        self.units: list[Unit] = []
        self.papers: list[Paper] = []
        self.moves: list[Move] = []
        self.clones: list[Clone] = []
        self.silent: set[tuple[int, str]] = set()
        self.watched: set[tuple[int, str]] = set()
        self.events: list[Event] = []
        self.benign: list[Benign] = []
        self.opening: dict[tuple[str, str], list[int]] = defaultdict(list)
        self.links: dict[str, tuple[str, int]] = {}
        self.veterans: dict[str, list[int]] = defaultdict(list)
        self.consignments = 0

    def stream(self, part: str) -> random.Random:
        """A generator of its own for each part, so that a change in one does not reshuffle the others."""
        return random.Random(f"{self.seed}:{part}")

    def holder_of(self, site: str) -> str:
        """The organisation that declares a site."""
        return self.places[site].organisation

    def make(self, model: str, quantity: int) -> list[int]:
        """New chips of a model; serials are a lot and a running number, as makers print them."""
        maker = self.models[model].maker
        first = len(self.units)
        self.units += [
            Unit(f"{maker}/{1_320_000_000_000 + 17 * number + self.seed % 1000}", model)
            for number in range(first, first + quantity)
        ]
        return list(range(first, first + quantity))

    def file(
        self,
        at: datetime,
        by: str,
        body: type[Statement],
        chips: Iterable[int] = (),
        *,
        consignment: int | None = None,
        **facts: object,
    ) -> None:
        """A paper that an organisation signs."""
        self.papers.append(Paper(at, by, body, tuple(chips), facts, consignment))

    def run(self, at: datetime, chips: Iterable[int], site: str | None) -> None:
        """What really happens: chips run at a site from now on, or nowhere."""
        self.moves.append(Move(at, tuple(chips), site))

    def dispatch(
        self,
        chips: Sequence[int],
        *,
        from_site: str,
        to_site: str,
        at: datetime,
        days: float,
        carrier: str | None = None,
    ) -> Consignment:
        """Chips leave a site for another, under a waybill, and are expected after ``days``."""
        self.consignments += 1
        sender, consignee = self.holder_of(from_site), self.holder_of(to_site)
        arrival = at + days * DAY
        self.file(
            at + timedelta(hours=3),
            sender,
            TransferDispatched,
            chips,
            consignment=self.consignments,
            from_site=from_site,
            consignee=consignee,
            to_site=to_site,
            dispatched_at=at,
            estimated_arrival=arrival,
            carrier=carrier,
        )
        return Consignment(self.consignments, tuple(chips), consignee, to_site, arrival)

    def receive(
        self, consignment: Consignment, *, at: datetime, received_at: datetime, **differences: object
    ) -> None:
        """The consignee signs for what arrived: everything, but for the differences."""
        facts = {"received_at": received_at, "accepted_all": True, **differences}
        self.papers.append(Paper(at, consignment.consignee, TransferReceived, (), facts, consignment.number))

    def take(self, site: str, quantity: int, rng: random.Random) -> tuple[int, ...]:
        """Chips in service at a site since day one, for something to happen to; nobody takes them twice."""
        pool = self.veterans[site]
        start = rng.randrange(len(pool) - quantity + 1)
        taken = tuple(pool[start : start + quantity])
        del pool[start : start + quantity]
        return taken

    def plant(
        self,
        kind: Kind,
        *,
        site: str,
        chips: Sequence[int],
        at: datetime,
        intensity: int | None = None,
        consignment: int | None = None,
        clusters: Sequence[str] = (),
    ) -> None:
        """Write down the truth about an event that was just made up."""
        self.events.append(
            Event(
                number=len(self.events) + 1,
                kind=kind,
                site=site,
                chips=tuple(chips),
                began_at=at,
                deadline=at + ALLOWED[kind],
                intensity=len(chips) if intensity is None else intensity,
                consignment=consignment,
                clusters=tuple(clusters),
            )
        )

    def excuse(
        self,
        what: str,
        rules: Iterable[Kind],
        *,
        at: datetime,
        consignment: int | None = None,
        site: str | None = None,
    ) -> None:
        """Write down something honest that a rule may truly report."""
        self.benign.append(Benign(what, frozenset(rules), at, consignment, site))

    def working_time(self, week: int, rng: random.Random) -> datetime:
        """Some instant between Tuesday morning and Friday evening of a week, to the second."""
        return BEGAN_AT + week * CADENCE + timedelta(seconds=rng.randrange(32 * 3600, 114 * 3600))

    def week_to_begin(self, kind: Kind, rng: random.Random, *, first: int = 1) -> int:
        """A week in which an event may begin, so that its deadline passes before the last sweep."""
        last = self.weeks - 2 - -(-ALLOWED[kind] // CADENCE)
        return rng.randint(min(first, max(last, 0)), max(last, 0))
