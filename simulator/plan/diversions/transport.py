"""Diversions on the way: consignments that never arrive, arrive short, with too much, or with other serials."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from simulator.catalogue import SiteFact
from simulator.plan.draft import Consignment, Draft
from simulator.plan.supply import Trade, install, open_stock, whole
from simulator.plan.truth import Kind
from simulator.plan.world import DAY

TRANSPORT_KINDS: Final = (
    Kind.OVERDUE_RECEIPT,
    Kind.QUANTITY_SHORT,
    Kind.QUANTITY_OVER,
    Kind.MISMATCH_INSTANCE,
)


def plant_on_the_way(
    draft: Draft, trade: Trade, facts: Sequence[SiteFact], *, of_each: int, sizes: Sequence[int]
) -> None:
    """So many events of each kind, each with a consignment of its own out of an integrator's stock."""
    rng = draft.stream("transport")
    for kind in TRANSPORT_KINDS:
        for _ in range(of_each):
            _plant(draft, trade, rng.choice(facts), kind, quantity=rng.choice(sizes), rng=rng)


def _plant(
    draft: Draft, trade: Trade, fact: SiteFact, kind: Kind, *, quantity: int, rng: random.Random
) -> None:
    site, model = fact.code, fact.chip_model
    integrator, _ = trade.route_to(draft.holder_of(site))
    source = trade.stock_room(integrator)
    chips = open_stock(draft, model, quantity, source, runs=False)
    consignment = draft.dispatch(
        chips,
        from_site=source,
        to_site=site,
        at=draft.working_time(draft.week_to_begin(kind, rng, first=0), rng),
        days=rng.randint(2, 4),
        carrier=trade.carrier(),
    )
    if kind is Kind.OVERDUE_RECEIPT:
        draft.plant(kind, site=site, chips=chips, at=consignment.arrival, consignment=consignment.number)
        return
    affected = rng.sample(chips, max(1, quantity // rng.choice((2, 4, 8))))
    received_at = whole(consignment.arrival + rng.uniform(0.1, 1) * DAY)
    if kind is Kind.QUANTITY_SHORT:
        accepted = _without(chips, affected)
        draft.receive(consignment, at=received_at, received_at=received_at, short=tuple(affected))
    elif kind is Kind.QUANTITY_OVER:
        accepted = chips
        affected = open_stock(draft, model, len(affected), source, runs=False)
        draft.receive(consignment, at=received_at, received_at=received_at, over=tuple(affected))
    else:
        accepted = _without(chips, affected)
        found = open_stock(draft, model, len(affected), source, runs=False)
        pairs = tuple(zip(affected, found, strict=True))
        draft.receive(consignment, at=received_at, received_at=received_at, swapped=pairs)
        affected = [*affected, *found]
    _into_service(draft, accepted, consignment, at=received_at)
    draft.plant(kind, site=site, chips=affected, at=received_at, consignment=consignment.number)


def _without(chips: Sequence[int], missing: Sequence[int]) -> list[int]:
    return [chip for chip in chips if chip not in missing]


def _into_service(draft: Draft, chips: Sequence[int], consignment: Consignment, *, at: datetime) -> None:
    if chips:
        install(draft, chips, consignment.to_site, at=whole(at + DAY))
