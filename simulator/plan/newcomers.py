"""Honest new buyers: operators that join in the middle of the run and order at once, with all papers in order.

A first large order from a stranger is also what a straw buyer looks like; no rule may call it grave for that alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chipledger.statements.registry import OrganisationAdmitted
from simulator.catalogue import SiteFact
from simulator.plan.draft import Draft
from simulator.plan.places import invented_operator, invented_site
from simulator.plan.supply import Delivery

BEFORE_DELIVERY: Final = 4
"""Weeks between joining and delivery: chips for a delivery leave their maker three weeks before it.
As many are left after it, so that late paper still comes before the end."""

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
        week = rng.randint(BEFORE_DELIVERY + 1, max(BEFORE_DELIVERY + 1, draft.weeks - BEFORE_DELIVERY))
        quantity = rng.choice((4, 6, 8)) if chips < 3000 else rng.choice((8, 16, 32, 64))
        operator, code = f"{name}-ai", f"{name}-1"
        draft.organisations[operator] = invented_operator(operator, near.country)
        draft.places[code] = invented_site(near, code, operator, slots=4 * quantity, step=3)
        draft.file(draft.working_time(week - BEFORE_DELIVERY, rng), operator, OrganisationAdmitted)
        orders.append(Delivery(near.chip_model, quantity, code, week))
    return orders
