"""Which clusters truly stand above a line, by the plan's own arithmetic: the law covers big honest sites as well.

The papers of the world are booked here a second time, independently of the house, and added up at every sweep.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from chipledger.statements.registry import ChipsCommissioned
from chipledger.statements.tracking import (
    ChipsDestroyed,
    StockOpened,
    TransferDispatched,
    TransferReceived,
    TransferSettled,
)
from simulator.catalogue import OrganisationFact
from simulator.plan.truth import MIRI_TPP, RAHMAN_MB
from simulator.plan.world import Paper, World, sweep_at

CONTROL_BP = 5_000
"""From this share on, an owner counts for what it owns."""


@dataclass(frozen=True, slots=True)
class Covered:
    """A cluster above a line, by the code of its site or the handle of its owner, since the first sweep to see it."""

    key: str
    since: datetime


class _Book:
    """Who answers for each chip and where it is; None while it is under way."""

    def __init__(self) -> None:
        self.where: dict[int, tuple[str, str | None]] = {}
        self.under_way: dict[int, tuple[tuple[int, ...], str, str]] = {}

    def enter(self, paper: Paper) -> None:
        if paper.body in (ChipsCommissioned, StockOpened):
            self.where.update(dict.fromkeys(paper.chips, (paper.by, str(paper.facts["site"]))))
        elif paper.body is TransferDispatched and paper.consignment is not None:
            self.where.update(dict.fromkeys(paper.chips, (paper.by, None)))
            to = (str(paper.facts["consignee"]), str(paper.facts["to_site"]))
            self.under_way[paper.consignment] = (paper.chips, *to)
        elif paper.body is TransferReceived and paper.consignment is not None:
            chips, holder, site = self.under_way[paper.consignment]
            taken = (
                set(chips)
                - set(_numbers(paper.facts.get("short")))
                - set(_numbers(paper.facts.get("swapped")))
            )
            self.where.update(dict.fromkeys(taken, (holder, site)))
        elif paper.body is TransferSettled and paper.consignment is not None:
            _, holder, site = self.under_way[paper.consignment]
            self.where.update(dict.fromkeys(paper.chips, (holder, site)))
        elif paper.body is ChipsDestroyed:
            for chip in paper.chips:
                del self.where[chip]


def covered_clusters(world: World) -> list[Covered]:
    """Every cluster that stands above a line at some sweep, from the first such sweep on."""
    book, papers = _Book(), iter(world.papers)
    waiting = next(papers, None)
    known: dict[str, Covered] = {}
    groups = _groups_of(world)
    for week in range(world.weeks):
        while waiting is not None and waiting.at < sweep_at(week):
            book.enter(waiting)
            waiting = next(papers, None)
        for key in _above(world, book, groups):
            known.setdefault(key, Covered(key, sweep_at(week)))
    return list(known.values())


def top_owner(handle: str, organisations: Mapping[str, OrganisationFact]) -> str:
    """Who in the end controls an organisation; itself when nobody does."""
    for share in organisations[handle].owners:
        if share.basis_points >= CONTROL_BP:
            return top_owner(share.owner, organisations)
    return handle


def _groups_of(world: World) -> dict[str, str]:
    """The cluster that each site and each organisation belongs to."""
    organisations = {fact.handle: fact for fact in world.organisations}
    groups = {handle: top_owner(handle, organisations) for handle in organisations}
    for site, (other, _) in world.links.items():
        groups[site] = groups[other] = min(site, other)
    return groups


def _above(world: World, book: _Book, groups: Mapping[str, str]) -> Iterable[str]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for chip, (holder, site) in book.where.items():
        model = world.units[chip].model
        counts[groups[holder]][model] += 1
        if site is not None:
            counts[groups.get(site, site)][model] += 1
    models = {model.code: model for model in world.models}
    for key, count in counts.items():
        tpp = sum(models[code].tpp * chips for code, chips in count.items())
        memory = sum(models[code].counted_memory_mb * chips for code, chips in count.items())
        if tpp > MIRI_TPP or memory > RAHMAN_MB:
            yield key


def _numbers(chips: object) -> Iterable[int]:
    """The expected chips of a difference: of a swapped pair, the first."""
    for chip in chips if isinstance(chips, tuple) else ():
        yield chip[0] if isinstance(chip, tuple) else chip
