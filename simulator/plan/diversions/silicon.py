"""Diversions out of service: chips that fall silent, turn up elsewhere, answer twice, or are said to be lost."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from chipledger.statements.tracking import ChipsLost, ChipsStolen
from simulator.catalogue import SiteFact
from simulator.plan.draft import Draft
from simulator.plan.truth import Kind
from simulator.plan.world import DAY, Clone, round_at

SILICON_KINDS: Final = (
    Kind.STALE_ATTESTATION,
    Kind.LOCATION_MISMATCH,
    Kind.UNBOOKED_PRESENCE,
    Kind.TWO_PLACES,
    Kind.DECLARED_LOSS,
)
_CLONE_ROUNDS: Final = 6
_TRIES: Final = 100_000


def plant_in_service(draft: Draft, facts: Sequence[SiteFact], *, of_each: int, sizes: Sequence[int]) -> None:
    """So many events of each kind, each about chips that ran at a site since day one."""
    rng = draft.stream("silicon")
    sites = [fact.code for fact in facts]
    # Those that need a second site of the same owner choose first: few owners have one.
    for kind in sorted(SILICON_KINDS, key=lambda kind: kind is not Kind.LOCATION_MISMATCH):
        for _ in range(of_each):
            _plant(draft, sites, kind, quantity=rng.choice(sizes), rng=rng)


def _plant(draft: Draft, sites: Sequence[str], kind: Kind, *, quantity: int, rng: random.Random) -> None:
    site, other = _choose(draft, sites, kind, rng)
    quantity = min(quantity, len(draft.veterans[site]) // 2)
    chips = draft.take(site, quantity, rng)
    week = draft.week_to_begin(kind, rng)
    at = draft.working_time(week, rng)
    holder = draft.holder_of(site)
    draft.watched |= {(week + number, where) for number in range(5) for where in (site, other)}
    if kind is Kind.STALE_ATTESTATION:
        draft.run(at, chips, None)
    elif kind in {Kind.LOCATION_MISMATCH, Kind.UNBOOKED_PRESENCE}:
        draft.run(at, chips, None)
        draft.run(at + DAY, chips, other)
    elif kind is Kind.TWO_PLACES:
        last = min(week + 1 + _CLONE_ROUNDS, draft.weeks - 1)
        draft.clones += [Clone(chip, other, week + 1, last) for chip in chips]
        at = round_at(week + 1)
    else:
        draft.run(at - timedelta(hours=6), chips, None)
        if rng.random() < 0.5:
            draft.file(at, holder, ChipsLost, chips, site=site, happened_at=at, reason="missing_at_count")
        else:
            report = f"R-{draft.seed}-{len(draft.events):03d}"
            draft.file(at, holder, ChipsStolen, chips, site=site, happened_at=at, report=report)
    draft.plant(kind, site=site, chips=chips, at=at)


def _choose(draft: Draft, sites: Sequence[str], kind: Kind, rng: random.Random) -> tuple[str, str]:
    """A site with chips to divert, and where they turn up if they do: with the same owner, or with another."""
    same = kind is Kind.LOCATION_MISMATCH
    for _ in range(_TRIES):
        site, other = rng.sample(sites, 2)
        if len(draft.veterans[site]) < 4 or len(draft.veterans[other]) < 2:
            continue
        if kind in {Kind.STALE_ATTESTATION, Kind.DECLARED_LOSS} or same == (
            draft.holder_of(site) == draft.holder_of(other)
        ):
            return site, other
    raise ValueError(f"this world has no two sites left for an event of kind {kind}")
