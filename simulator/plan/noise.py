"""What honest life looks like: repairs, retirements, moves between sites, outages, chips that miss a week."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from chipledger.statements.attestations import OutageDeclared
from chipledger.statements.tracking import ChipsDestroyed, ChipsInstalled, ChipsRemoved, ChipsRetired
from simulator.catalogue import SiteFact
from simulator.plan.draft import Draft
from simulator.plan.supply import sign_for, whole
from simulator.plan.truth import Kind
from simulator.plan.world import DAY, round_at

MISSED_SHARE: Final = 0.01
"""Chips that do not answer in a round although nothing is wrong with them."""

LONGEST_OUTAGE: Final = 3
"""Rounds that a declared outage may take."""

_HOUR: Final = timedelta(hours=1)


def add_noise(draft: Draft, facts: Sequence[SiteFact], *, chips: int) -> None:
    """Everything honest that happens to chips in service; it takes what the diversions left alone."""
    rng = draft.stream("noise")
    sites = [fact.code for fact in facts]
    for _ in range(max(4, chips * draft.weeks // 2600)):
        _repair(draft, sites, rng)
    for _ in range(max(2, chips // 800)):
        _retire(draft, sites, rng)
        _relocate(draft, sites, rng)
    _silence_sites(draft, sites, rng)


def choose_missed(draft: Draft) -> dict[int, frozenset[int]]:
    """The chips that miss each round."""
    rng = draft.stream("missed")
    count = round(len(draft.units) * MISSED_SHARE)
    return {week: frozenset(rng.sample(range(len(draft.units)), count)) for week in range(draft.weeks)}


def _pick(
    draft: Draft, sites: Sequence[str], quantity: int, rng: random.Random
) -> tuple[str, tuple[int, ...]] | None:
    """So many chips of one site, the larger the likelier; None when too few are left."""
    weights = [max(0, len(draft.veterans[site]) - quantity + 1) for site in sites]
    if not any(weights):
        return None
    site = rng.choices(sites, weights)[0]
    return site, draft.take(site, quantity, rng)


def _repair(draft: Draft, sites: Sequence[str], rng: random.Random) -> None:
    """Chips are taken out for some days and come back."""
    picked = _pick(draft, sites, rng.choice((1, 1, 1, 2, 8)), rng)
    if picked is None:
        return
    site, chips = picked
    holder = draft.holder_of(site)
    out = draft.working_time(rng.randint(0, draft.weeks - 2), rng)
    back = whole(out + rng.uniform(3, 20) * DAY)
    draft.run(out, chips, None)
    draft.file(out + 2 * _HOUR, holder, ChipsRemoved, chips, site=site, happened_at=out)
    draft.file(back, holder, ChipsInstalled, chips, site=site, happened_at=back)
    draft.run(back, chips, site)


def _retire(draft: Draft, sites: Sequence[str], rng: random.Random) -> None:
    """Chips end their life; of some the destruction is certified later."""
    picked = _pick(draft, sites, rng.choice((1, 4, 8)), rng)
    if picked is None:
        return
    site, chips = picked
    holder = draft.holder_of(site)
    at = draft.working_time(rng.randint(1, draft.weeks - 2), rng)
    draft.run(at, chips, None)
    draft.file(at + _HOUR, holder, ChipsRemoved, chips, site=site, happened_at=at)
    draft.file(at + 2 * _HOUR, holder, ChipsRetired, chips, site=site, happened_at=at, reason="end_of_life")
    if rng.random() < 0.5:
        destroyed_at = whole(at + rng.uniform(10, 40) * DAY)
        certificate = hashlib.sha256(f"certificate {draft.seed} {chips[0]}".encode()).hexdigest()
        draft.file(
            destroyed_at + _HOUR,
            holder,
            ChipsDestroyed,
            chips,
            happened_at=destroyed_at,
            certificate=certificate,
        )


def _relocate(draft: Draft, sites: Sequence[str], rng: random.Random) -> None:
    """An operator moves chips from one of its sites to another, with all papers."""
    picked = _pick(draft, sites, rng.choice((4, 8, 16)), rng)
    if picked is None:
        return
    site, chips = picked
    holder = draft.holder_of(site)
    others = [other for other in sites if other != site and draft.holder_of(other) == holder]
    if not others:
        return
    other = rng.choice(others)
    at = draft.working_time(rng.randint(1, draft.weeks - 2), rng)
    draft.run(at, chips, None)
    draft.file(at + _HOUR, holder, ChipsRemoved, chips, site=site, happened_at=at)
    leaves = whole(at + rng.uniform(0.5, 2) * DAY)
    consignment = draft.dispatch(chips, from_site=site, to_site=other, at=leaves, days=rng.randint(1, 4))
    booked_at = sign_for(draft, consignment, rng)
    back = whole(booked_at + rng.uniform(0.2, 2) * DAY)
    draft.file(back, holder, ChipsInstalled, chips, site=other, happened_at=back)
    draft.run(back, chips, other)


def _silence_sites(draft: Draft, sites: Sequence[str], rng: random.Random) -> None:
    """Some sites miss rounds: with notice, briefly without, and a few for two weeks without."""
    for site in sites:
        fate = rng.random()
        week = rng.randint(2, draft.weeks - 2)
        if any((week + number, site) in draft.watched for number in range(LONGEST_OUTAGE)):
            continue
        if fate < 0.10:
            rounds = rng.randint(1, LONGEST_OUTAGE)
            begins, ends = round_at(week) - 3 * DAY, round_at(week + rounds - 1) + DAY
            draft.file(
                begins - DAY, draft.holder_of(site), OutageDeclared,
                site=site, begins_at=begins, ends_at=ends, reason="maintenance",
            )  # fmt: skip
        elif fate < 0.22:
            rounds = 1
        elif fate < 0.25:
            rounds = 2
        else:
            continue
        draft.silent |= {(week + number, site) for number in range(rounds)}
        draft.excuse("outage", [Kind.STALE_ATTESTATION], at=round_at(week), site=site)
