"""Judging a batch of evidence item by item: which chips proved themselves, and who contradicts what was known."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from attestations.models import TamperSign
from attestations.queries import KnownChip, find_chips, lock_last_seen
from attestations.rules import SENTENCES, LastSeen, Result, breaks_chain, came_too_soon, judge_sequence
from attestations.verification import verify_signatures
from chipledger.refusals import Refused
from chipledger.statements.attestations import ChipClaims, EvidenceCollected
from registry.models import Site


@dataclass
class Judgement:
    """What was found: a result for each item, by its index from 0, and the conflicts that items raise."""

    results: dict[int, Result] = field(default_factory=dict)
    conflicts: dict[TamperSign, list[int]] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        return sum(result is Result.ACCEPTED for result in self.results.values())

    @property
    def is_worth_booking(self) -> bool:
        """Something in it counts: new evidence, evidence known already, or a contradiction that must not be lost."""
        return bool(self.conflicts) or any(
            result in {Result.ACCEPTED, Result.DUPLICATE} for result in self.results.values()
        )


def judge_batch(body: EvidenceCollected, *, site: Site, at: datetime) -> Judgement:
    """Judge every item. Signatures are verified before any row is locked, so that locks are short."""
    found = Judgement()
    readings = _readings(body, found)
    chips = find_chips([claims.ueid for claims in readings.values()])
    proven = _verify(body, readings, chips, found)
    last_seen = lock_last_seen(list(proven.values()), here=site)
    for index, chip in proven.items():
        last = last_seen.get(chip.id)
        claims = readings[index]
        result = judge_sequence(claims, body.items[index].digest, last, nonce=body.eat_nonce)
        found.results[index] = result
        if last is not None:
            for sign in _contradictions(result, claims, last, site=site, at=at):
                found.conflicts.setdefault(sign, []).append(index)
    return found


def refuse_worthless(body: EvidenceCollected, found: Judgement) -> None:
    """Refuse a batch in which nothing counts, with the reason of its first item."""
    if found.is_worth_booking:
        return
    reading, result = body.readings[0], found.results[0]
    detail = reading.sentence if isinstance(reading, Refused) else SENTENCES[result]
    chip = reading.ueid if isinstance(reading, ChipClaims) else None
    raise Refused(
        "no_valid_evidence",
        f"Nothing in this batch counts as evidence; collect it anew. Its first item: {result}. {detail}",
        row=1,
        field="items.0",
        value=chip,
    )


def _readings(body: EvidenceCollected, found: Judgement) -> dict[int, ChipClaims]:
    """The claims that can be read and are about this site and a chip of their own."""
    readings: dict[int, ChipClaims] = {}
    named: set[str] = set()
    for index, claims in enumerate(body.readings):
        if isinstance(claims, Refused):
            found.results[index] = Result.CLAIMS_MALFORMED
        elif claims.ueid in named:
            found.results[index] = Result.NAMED_TWICE
        elif claims.site != body.site:
            found.results[index] = Result.SITE_DIFFERS
            named.add(claims.ueid)
        else:
            readings[index] = claims
            named.add(claims.ueid)
    return readings


def _verify(
    body: EvidenceCollected, readings: dict[int, ChipClaims], chips: dict[str, KnownChip], found: Judgement
) -> dict[int, KnownChip]:
    """The chips whose own key signed their claims, by item."""
    candidates: list[tuple[int, KnownChip]] = []
    checks = []
    for index, claims in readings.items():
        chip = chips.get(claims.ueid)
        if chip is None or chip.device_key is None:
            found.results[index] = Result.SIGNATURE_INVALID
        else:
            candidates.append((index, chip))
            checks.append((chip.device_key, body.items[index]))
    proven = {}
    for (index, chip), is_valid in zip(candidates, verify_signatures(checks), strict=True):
        if is_valid:
            proven[index] = chip
        else:
            found.results[index] = Result.SIGNATURE_INVALID
    return proven


def _contradictions(
    result: Result, claims: ChipClaims, last: LastSeen, *, site: Site, at: datetime
) -> list[TamperSign]:
    """What fresh evidence contradicts. It is real silicon all the same, so that only a broken sequence refuses it."""
    if result not in {Result.ACCEPTED, Result.SEQUENCE_FORK}:
        return []
    signs = []
    if result is Result.SEQUENCE_FORK:
        signs.append(TamperSign.SEQUENCE_FORK)
    elif breaks_chain(claims, last):
        signs.append(TamperSign.CHAIN_FORK)
    if came_too_soon(last, site, at=at):
        signs.append(TamperSign.TWO_PLACES)
    return signs
