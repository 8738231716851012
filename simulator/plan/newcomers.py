"""Honest new buyers: operators that join in the middle of the run and order at once, with all papers in order.

A first large order from a stranger is also what a straw buyer looks like; no rule may call it grave for that alone.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from chipledger.statements.registry import OrganisationAdmitted
from simulator.catalogue import OrganisationFact, SiteFact
from simulator.plan.draft import Draft
from simulator.plan.places import place_of
from simulator.plan.supply import Delivery
from simulator.plan.world import Place

BEFORE_DELIVERY: Final = 4
"""Weeks between joining and delivery: chips for a delivery leave their maker three weeks before it."""

_NAMES: Final = (
    "marlowe",
    "northgate",
    "oakhanger",
    "penhallow",
    "quarrybank",
    "redwater",
    "stonebridge",
    "thornbury",
)
"""Invented, as everything about them is."""


def welcome_buyers(draft: Draft, facts: Sequence[SiteFact], *, chips: int) -> list[Delivery]:
    """New operators with a site each, and the first orders that they place."""
    rng = draft.stream("newcomers")
    orders = []
    for name in _NAMES[: max(2, min(len(_NAMES), chips // 2500))]:
        near = rng.choice(facts)
        week = rng.randint(BEFORE_DELIVERY + 1, draft.weeks - 2)
        quantity = rng.choice((4, 6, 8)) if chips < 3000 else rng.choice((8, 16, 32, 64))
        operator = f"{name}-ai"
        draft.organisations[operator] = OrganisationFact(
            handle=operator,
            name=f"{name.title()} AI (invented)",
            kind="operator",
            countries=(near.country,),
            owners=(),
        )
        site = _site(near, f"{name}-1", operator, slots=4 * quantity, rng=rng)
        draft.places[site.code] = site
        draft.file(draft.working_time(week - BEFORE_DELIVERY, rng), operator, OrganisationAdmitted)
        orders.append(Delivery(near.chip_model, quantity, site.code, week))
    return orders


def _site(near: SiteFact, code: str, operator: str, *, slots: int, rng: random.Random) -> Place:
    real = place_of(near, chips=slots)
    return replace(
        real,
        code=code,
        name=f"{code.replace('-', ' ').title()} (invented)",
        organisation=operator,
        longitude_e7=real.longitude_e7 + 100_000 * rng.randint(2, 6),
        power_kw=2_000,
        slots=slots,
        real=False,
    )
