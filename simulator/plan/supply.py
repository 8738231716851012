"""The honest flow of chips: stock on day one, new lots from the makers, and consignments down to the data centres."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Final

from chipledger.statements.registry import ChipsCommissioned
from chipledger.statements.tracking import ChipsInstalled, StockOpened, TransferSettled
from simulator.plan.draft import Consignment, Draft
from simulator.plan.places import Venue, organisations_of_kind, stock_room_of
from simulator.plan.truth import Kind
from simulator.plan.world import BEGAN_AT, CADENCE, DAY

OPENED_AT: Final = BEGAN_AT + timedelta(hours=8)
MOST_TOGETHER: Final = 480
"""Chips of one consignment: one statement names up to 500."""

OPENING_SHARE: Final = 0.6
"""Part of a site's chips that is there on day one, where the site was open by then."""

LATE_SHARE, LATE_FROM, LATE_MEAN, LATE_MOST = 0.079, 10.0, 17.5, 40.0
"""Of 10,324 real shipments 7.9 % were recorded more than 10 days after arrival and 5 % more than 18 (knowledge §2): an
exponential tail from day 10 with a mean of 8 / ln(7.9 / 5) = 17.5 days, cut at 40 days more."""

SLIP_SHARE: Final = 0.03
"""Receipts in which a scanner missed boxes; up to 3 % of scans went wrong at first in EU medicines (knowledge §2)."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Chips of one model that a site ordered, to arrive about a day."""

    model: str
    quantity: int
    site: str
    week: int


def open_stock(draft: Draft, model: str, quantity: int, site: str, *, runs: bool) -> list[int]:
    """Chips that are at a site on day one, and in service there if they run."""
    chips = draft.make(model, quantity)
    draft.opening[(site, draft.models[model].maker)] += chips
    if runs:
        install(draft, chips, site, at=OPENED_AT + timedelta(hours=1))
        draft.veterans[site] += chips
    return chips


def file_opening(draft: Draft) -> None:
    """Each holder's stock of day one, in one paper for each site and maker."""
    for (site, maker), chips in sorted(draft.opening.items()):
        draft.file(OPENED_AT, draft.holder_of(site), StockOpened, chips, maker=maker, site=site)


def install(
    draft: Draft, chips: Sequence[int], site: str, *, at: datetime, runs_from: datetime | None = None
) -> None:
    """Chips go into service: by paper at ``at``, really at ``runs_from``."""
    for part in in_parts(chips):
        draft.file(at, draft.holder_of(site), ChipsInstalled, part, site=site, happened_at=runs_from or at)
    draft.run(runs_from or at, chips, site)


def paper_delay(rng: random.Random) -> float:
    """Days between the arrival of a consignment and the receipt for it, as measured."""
    if rng.random() >= LATE_SHARE:
        return min(LATE_FROM - 0.1, 0.2 + rng.expovariate(1 / 2.0))
    return LATE_FROM + min(LATE_MOST, rng.expovariate(1 / LATE_MEAN))


def in_parts(chips: Sequence[int]) -> Iterable[Sequence[int]]:
    """Chips in the portions that one short statement can name."""
    return (chips[start : start + MOST_TOGETHER] for start in range(0, len(chips), MOST_TOGETHER))


def sign_for(draft: Draft, consignment: Consignment, rng: random.Random) -> datetime:
    """The honest consignee signs, late as people do and with their slips; returns when all is settled.

    What is late, or was miscounted, is noted as something that a rule truly reports.
    """
    arrived = whole(consignment.arrival + rng.uniform(-1.0, 1.0) * DAY)
    delay = paper_delay(rng)
    at = whole(arrived + delay * DAY)
    if delay > LATE_FROM - 2:
        draft.excuse(
            "late paperwork", [Kind.OVERDUE_RECEIPT], at=consignment.arrival, consignment=consignment.number
        )
    if rng.random() >= SLIP_SHARE or len(consignment.chips) < 4:
        draft.receive(consignment, at=at, received_at=arrived)
        return at
    settled_at = whole(at + rng.uniform(0.5, 6) * DAY)
    settle = partial(
        draft.file, settled_at, consignment.consignee, TransferSettled, consignment=consignment.number
    )
    if rng.random() < 0.5:
        what, rule = "boxes not scanned, settled", Kind.QUANTITY_SHORT
        missed = tuple(sorted(rng.sample(consignment.chips, rng.randint(1, len(consignment.chips) // 4))))
        draft.receive(consignment, at=at, received_at=arrived, short=missed)
        settle(missed, outcome="later_receipt", reason="scanner_error")
    else:
        what, rule = "serial misread, claim withdrawn", Kind.QUANTITY_OVER
        misread = draft.units[rng.choice(consignment.chips)].name.replace("132", "l32", 1)
        draft.receive(consignment, at=at, received_at=arrived, over=(misread,))
        settle(chips=(), claimed=(misread,), outcome="return", reason="scanner_error")
    draft.excuse(what, [rule, Kind.OVERDUE_RECEIPT], at=at, consignment=consignment.number)
    return settled_at


def whole(at: datetime) -> datetime:
    """The same instant to the second, as people write it."""
    return at.replace(microsecond=0)


class Trade:
    """Who buys from whom: each operator has its integrator, some buy through a distributor."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.rng = draft.stream("trade")
        self.integrators = [
            fact for fact in organisations_of_kind("integrator") if fact.handle in _INTEGRATORS
        ]
        self.distributors = organisations_of_kind("distributor")
        self.carriers = organisations_of_kind("carrier")
        self._chosen: dict[str, tuple[str, str | None]] = {}

    def stock_room(self, handle: str) -> str:
        """The code of an organisation's stock room, which is declared once it is used."""
        place = stock_room_of(self.draft.organisations[handle])
        self.draft.places.setdefault(place.code, place)
        return place.code

    def route_to(self, operator: str) -> tuple[str, str | None]:
        """The integrator of an operator, and the distributor in between if there is one."""
        if operator not in self._chosen:
            country = (
                self.draft.organisations[operator].countries[0]
                if operator in self.draft.organisations
                else "US"
            )
            near = [fact for fact in self.integrators if (country == "CN") == (fact.countries[0] == "CN")]
            distributor = self.rng.choice(self.distributors).handle if self.rng.random() < 0.3 else None
            self._chosen[operator] = (self.rng.choice(near).handle, distributor)
        return self._chosen[operator]

    def carrier(self) -> str:
        return self.rng.choice(self.carriers).handle


_INTEGRATORS: Final = {
    "supermicro",
    "dell",
    "hpe",
    "lenovo",
    "eviden",
    "foxconn",
    "quanta",
    "wiwynn",
    "celestica",
}


def plan_deliveries(draft: Draft, venues: Sequence[Venue]) -> list[Delivery]:
    """Open each site's stock, and order what it lacks in portions over the run."""
    rng = draft.stream("deliveries")
    deliveries = []
    for venue in venues:
        fact = venue.fact
        is_new = fact.opened > BEGAN_AT.date()
        opening = 0 if is_new else max(4, round(venue.chips * OPENING_SHARE * rng.uniform(0.7, 1.3)))
        opening = min(opening, venue.chips)
        for part in in_parts(range(opening)):
            open_stock(draft, fact.chip_model, len(part), fact.code, runs=True)
        left = venue.chips - opening
        while left > 0:
            quantity = left if left < 16 else min(left, rng.choice((8, 16, 32, 64, 64, 128, 256)))
            deliveries.append(
                Delivery(fact.chip_model, quantity, fact.code, rng.randint(3, max(4, draft.weeks - 2)))
            )
            left -= quantity
    return deliveries


def deliver(draft: Draft, trade: Trade, deliveries: Sequence[Delivery]) -> None:
    """Make the chips of all deliveries in weekly lots, and send them down their chains."""
    rng = draft.stream("chains")
    lots: dict[tuple[str, int, str], list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        integrator, _ = trade.route_to(draft.holder_of(delivery.site))
        lots[(draft.models[delivery.model].maker, max(0, delivery.week - 3), integrator)].append(delivery)
    commissioned: dict[tuple[str, int], list[int]] = defaultdict(list)
    for (maker, week, integrator), ordered in sorted(lots.items()):
        made = [(delivery, draft.make(delivery.model, delivery.quantity)) for delivery in ordered]
        chips = [chip for _, part in made for chip in part]
        commissioned[(maker, week)] += chips
        ready_at = _to_integrator(draft, trade, chips, maker=maker, week=week, integrator=integrator, rng=rng)
        for delivery, part in made:
            _to_site(draft, trade, delivery, part, integrator=integrator, ready_at=ready_at, rng=rng)
    for (maker, week), chips in sorted(commissioned.items()):
        at = BEGAN_AT + week * CADENCE + timedelta(hours=20)
        draft.file(at, maker, ChipsCommissioned, chips, site=trade.stock_room(maker))


def _to_integrator(
    draft: Draft,
    trade: Trade,
    chips: Sequence[int],
    *,
    maker: str,
    week: int,
    integrator: str,
    rng: random.Random,
) -> datetime:
    """From the maker to whoever builds the servers; returns when they may go on."""
    ready_at = BEGAN_AT
    for part in in_parts(chips):
        consignment = draft.dispatch(
            part,
            from_site=trade.stock_room(maker),
            to_site=trade.stock_room(integrator),
            at=draft.working_time(week, rng),
            days=rng.randint(2, 5),
            carrier=trade.carrier(),
        )
        ready_at = max(ready_at, sign_for(draft, consignment, rng))
    return ready_at


def _to_site(
    draft: Draft,
    trade: Trade,
    delivery: Delivery,
    chips: Sequence[int],
    *,
    integrator: str,
    ready_at: datetime,
    rng: random.Random,
) -> None:
    """From the integrator to the site, perhaps through a distributor, and into service."""
    _, distributor = trade.route_to(draft.holder_of(delivery.site))
    legs = [trade.stock_room(integrator), delivery.site]
    if distributor is not None:
        legs.insert(1, trade.stock_room(distributor))
    for from_site, to_site in pairwise(legs):
        leaves = whole(ready_at + rng.uniform(1, 4) * DAY)
        consignment = draft.dispatch(
            chips,
            from_site=from_site,
            to_site=to_site,
            at=leaves,
            days=rng.randint(2, 6),
            carrier=trade.carrier(),
        )
        ready_at = sign_for(draft, consignment, rng)
    installed_at = whole(ready_at + rng.uniform(0.2, 3) * DAY)
    # Where the paper is late, the chips often run before it.
    early = rng.random() < 0.5
    runs_from = min(installed_at, whole(consignment.arrival + 2 * DAY)) if early else installed_at
    install(draft, chips, delivery.site, at=installed_at, runs_from=runs_from)
