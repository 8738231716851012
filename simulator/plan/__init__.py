"""A synthetic world and its whole history, made up from a seed: pure, without a clock, a database or a detector."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from math import ceil
from typing import Final

from simulator.plan.diversions.silicon import plant_in_service
from simulator.plan.diversions.thresholds import first_above, plant_clusters
from simulator.plan.diversions.transport import plant_on_the_way
from simulator.plan.draft import Draft
from simulator.plan.newcomers import welcome_buyers
from simulator.plan.noise import add_noise, choose_missed
from simulator.plan.places import choose_sites, place_of, share_out
from simulator.plan.supply import Trade, deliver, file_opening, plan_deliveries
from simulator.plan.world import CADENCE, World

LEAST_CHIPS: Final = 600
LEAST_WEEKS: Final = 8
SMALL: Final = 3_000
"""Chips below which a world has smaller events."""

MOST_FOR_A_ROOM: Final = 20
"""A site that is to cross a line needs a model of which so few chips do."""

_DAYS_OF_A_MONTH: Final = 365.25 / 12


def weeks_of(months: int) -> int:
    """The whole weeks in so many months: 26 in six."""
    return int(months * _DAYS_OF_A_MONTH / CADENCE.days)


def imagine(seed: int, *, chips: int = 20_000, months: int = 6) -> World:
    """Make up a world of about ``chips`` chips and its history of ``months`` months; equal arguments, equal worlds.

    Raises ValueError for a world too small to hold every kind of event: fewer than 600 chips or eight weeks.
    """
    weeks = weeks_of(months)
    if chips < LEAST_CHIPS or weeks < LEAST_WEEKS:
        raise ValueError(f"a world has at least {LEAST_CHIPS} chips and {LEAST_WEEKS} weeks")
    draft = Draft(seed, weeks)
    trade = Trade(draft)
    of_each = max(4, min(8, chips // 2500))
    on_the_way = (4, 8) if chips < SMALL else (8, 16, 32, 64)
    in_service = (1, 2, 4) if chips < SMALL else (2, 4, 8, 16, 32)
    # What is not there within the last five weeks of the run cannot be found in time either.
    facts = choose_sites(chips, until=draft.ends_at - timedelta(weeks=5))
    crossing = [fact for fact in facts if first_above(draft, fact.chip_model) <= MOST_FOR_A_ROOM]
    rooms = crossing[len(crossing) - ceil(of_each / 3) :]
    facts = [fact for fact in facts if fact not in rooms]
    draft.places |= {fact.code: place_of(fact, chips=0) for fact in facts}
    plant_on_the_way(draft, trade, facts, of_each=of_each, sizes=on_the_way)
    plant_clusters(draft, trade, rooms, events=of_each)
    orders = welcome_buyers(draft, facts, chips=chips)
    ordered = sum(order.quantity for order in orders)
    venues = share_out(chips - len(draft.units) - ordered, facts)
    draft.places |= {venue.fact.code: place_of(venue.fact, chips=venue.chips) for venue in venues}
    deliver(draft, trade, plan_deliveries(draft, venues) + orders)
    plant_in_service(draft, facts, of_each=of_each, sizes=in_service)
    add_noise(draft, facts, chips=chips)
    file_opening(draft)
    return _finish(draft)


def fingerprint(world: World) -> str:
    """One hash over everything a world consists of: two equal worlds have the same."""
    papers = [
        (paper.at, paper.by, paper.body.__name__, paper.chips, sorted(paper.facts.items()), paper.consignment)
        for paper in world.papers
    ]
    missed = sorted((week, sorted(chips)) for week, chips in world.missed.items())
    facts = [
        papers, world.units, world.places, world.moves, world.clones, sorted(world.silent), missed, world.events,
        world.benign,
    ]  # fmt: skip
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _finish(draft: Draft) -> World:
    """Sort what was made up in time, and leave out what would come after the last sweep."""
    papers = [paper for paper in draft.papers if paper.at < draft.ends_at]
    papers.sort(key=lambda paper: paper.at)
    used = {draft.models[unit.model] for unit in draft.units}
    return World(
        seed=draft.seed,
        weeks=draft.weeks,
        organisations=tuple(draft.organisations.values()),
        models=tuple(sorted(used, key=lambda model: model.code)),
        places=tuple(draft.places.values()),
        links=draft.links,
        units=tuple(draft.units),
        papers=tuple(papers),
        moves=tuple(sorted(draft.moves, key=lambda move: move.at)),
        clones=tuple(draft.clones),
        silent=frozenset(draft.silent),
        missed=choose_missed(draft),
        events=tuple(draft.events),
        benign=tuple(draft.benign),
    )
