"""Clusters that grow over a policy's line unseen: behind a site's slots, across affiliates, or over a fast link."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from simulator.catalogue import Share, SiteFact
from simulator.plan.draft import Draft
from simulator.plan.places import invented_operator, invented_site, place_of
from simulator.plan.supply import Trade, install, open_stock, whole
from simulator.plan.truth import MIRI_TPP, RAHMAN_MB, Kind
from simulator.plan.world import DAY

FAST_MBIT_S: Final = 100_000
"""A link well above the 25 Gbit/s from which MIRI counts two places as one."""

_MODEL: Final = "nvidia-h100-sxm-80gb"
_NAMES: Final = (
    "ashgrove", "birchfield", "coldwater", "dunmore", "eastgate", "fallowmere", "greywell", "hollowbrook",
    "inverloch", "junipers", "kelmarsh", "larkfield",
)  # fmt: skip
"""Invented organisations: no real name is accused of splitting."""


def first_above(draft: Draft, model: str) -> int:
    """The smallest number of chips of a model that stands above a line; 17 for the H100."""
    figures = draft.models[model]
    counts = [MIRI_TPP // figures.tpp + 1]
    if figures.counted_memory_mb:
        counts.append(RAHMAN_MB // figures.counted_memory_mb + 1)
    return min(counts)


def plant_clusters(draft: Draft, trade: Trade, small: Sequence[SiteFact], *, events: int) -> None:
    """So many clusters, of the three shapes in turn; ``small`` are real sites kept free for them."""
    rng = draft.stream("thresholds")
    rooms = iter(small)
    names = iter(_NAMES)
    for number in range(events):
        if number % 3 == 0:
            _crowd_a_room(draft, trade, next(rooms), rng)
        else:
            _split(draft, trade, next(names), rng.choice(small), are_affiliates=number % 3 == 1, rng=rng)


def _crowd_a_room(draft: Draft, trade: Trade, fact: SiteFact, rng: random.Random) -> None:
    """A small site takes in more chips than it was declared for, and stands above the line."""
    line = first_above(draft, fact.chip_model)
    before = max(2, int(line * rng.uniform(0.4, 0.9)))
    after = int(line * rng.uniform(1.05, 2.0)) + 1
    draft.places[fact.code] = replace(place_of(fact, chips=before), slots=before + 2)
    open_stock(draft, fact.chip_model, before, fact.code, runs=True)
    at, chips = _grow(draft, trade, fact.chip_model, {fact.code: after - before}, rng, standing=before)
    _note(draft, fact.code, chips, at, percent=100 * after // (line - 1), clusters=(fact.code, fact.owner))


def _split(
    draft: Draft, trade: Trade, name: str, near: SiteFact, *, are_affiliates: bool, rng: random.Random
) -> None:
    """Two sites below the line, above it together: of two affiliates, or of one operator over a fast link."""
    line = first_above(draft, _MODEL)
    country = near.country
    holding = f"{name}-holdings"
    operators = [f"{name}-cloud", f"{name}-compute"] if are_affiliates else [holding, holding]
    draft.organisations[holding] = invented_operator(holding, country)
    if are_affiliates:
        for operator, share in zip(operators, (10_000, 6_000), strict=True):
            draft.organisations[operator] = invented_operator(operator, country, Share(holding, share))
    codes = [f"{name}-1", f"{name}-2"]
    before, after = int(line * rng.uniform(0.25, 0.45)), rng.randint(line // 2 + 2, line - 1)
    for number, (code, operator) in enumerate(zip(codes, operators, strict=True)):
        draft.places[code] = invented_site(near, code, operator, slots=4 * line, step=number + 1)
        open_stock(draft, _MODEL, before, code, runs=True)
    if not are_affiliates:
        draft.links[codes[1]] = (codes[0], FAST_MBIT_S)
    at, chips = _grow(draft, trade, _MODEL, dict.fromkeys(codes, after - before), rng, standing=2 * before)
    _note(draft, codes[0], chips, at, percent=200 * after // (line - 1), clusters=(holding, *codes))


def _grow(
    draft: Draft, trade: Trade, model: str, lacking: dict[str, int], rng: random.Random, *, standing: int
) -> tuple[datetime, list[int]]:
    """Deliver what each site lacks, with prompt and honest papers.

    Returns the instant of the receipt that lifts what stood before over the line, and the chips delivered.
    """
    week = draft.week_to_begin(Kind.THRESHOLD_EXCEEDED, rng)
    receipts: list[tuple[datetime, list[int]]] = []
    for site, quantity in lacking.items():
        integrator, _ = trade.route_to(draft.holder_of(site))
        source = trade.stock_room(integrator)
        chips = open_stock(draft, model, quantity, source, runs=False)
        consignment = draft.dispatch(
            chips,
            from_site=source,
            to_site=site,
            at=draft.working_time(max(0, week - 1), rng),
            days=rng.randint(2, 3),
            carrier=trade.carrier(),
        )
        at = whole(consignment.arrival + rng.uniform(0.1, 1) * DAY)
        draft.receive(consignment, at=at, received_at=at)
        install(draft, chips, site, at=whole(at + DAY))
        receipts.append((at, chips))
    delivered = [chip for _, chips in receipts for chip in chips]
    for at, chips in sorted(receipts):
        standing += len(chips)
        if standing >= first_above(draft, model):
            return at, delivered
    raise ValueError("this cluster never stands above the line")


def _note(
    draft: Draft, site: str, chips: list[int], at: datetime, *, percent: int, clusters: tuple[str, ...]
) -> None:
    draft.plant(Kind.THRESHOLD_EXCEEDED, site=site, chips=chips, at=at, intensity=percent, clusters=clusters)
