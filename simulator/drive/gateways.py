"""The weekly rounds: gateways ask for nonces, chips answer, batches go to the door while the next ones are signed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from itertools import islice
from typing import Final

from django.conf import settings

from attestations.nonces import issue_nonce
from chipledger.refusals import Refused
from ledger import door
from simulator.drive.desk import Desk
from simulator.drive.signing import Request, SignedBatch, sign_batch
from simulator.plan.rounds import Answer
from simulator.plan.world import World

MOST_IN_A_BATCH: Final = 1000
AHEAD: Final = 6
"""Batches that are being signed while one is at the door."""


@dataclass
class Chain:
    """Where a chip's evidence, or its copy's, goes on from."""

    sequence: int = 0
    previous: str | None = None


class Gateways:
    """All gateways of a world. Chips and their copies each remember their own chain."""

    def __init__(self, world: World, desk: Desk, pool: Executor) -> None:
        self.world = world
        self.desk = desk
        self.pool = pool
        self.collected = 0
        self.not_accepted = 0
        self._chains: dict[Answer, Chain] = {}
        self._holders = {place.code: place.organisation for place in world.places}

    def collect(self, answers: Mapping[str, Sequence[Answer]]) -> None:
        """One round: everything that answers, site by site, at the instant at which the clock stands."""
        batches = self._batches(answers)
        under_way: deque[tuple[list[Answer], Future[SignedBatch]]] = deque()
        while True:
            for site, part in islice(batches, AHEAD - len(under_way)):
                under_way.append((part, self.pool.submit(sign_batch, self._request(site, part))))
            if not under_way:
                return
            part, signed = under_way.popleft()
            self._hand_in(part, signed.result())

    def _batches(self, answers: Mapping[str, Sequence[Answer]]) -> Iterator[tuple[str, list[Answer]]]:
        for site, chips in answers.items():
            for start in range(0, len(chips), MOST_IN_A_BATCH):
                yield site, list(chips[start : start + MOST_IN_A_BATCH])

    def _request(self, site: str, part: Sequence[Answer]) -> Request:
        holder, at = self._holders[site], door.now()
        chips = []
        for answer in part:
            chain = self._chain_of(answer)
            chain.sequence += 1
            chips.append((self.world.units[answer.chip].name, chain.sequence, chain.previous))
        nonce = issue_nonce(site, holder, at)
        return Request(self.world.seed, settings.LOG_ORIGIN, holder, site, nonce, at, tuple(chips))

    def _chain_of(self, answer: Answer) -> Chain:
        """The chain of a chip; a copy begins where the chip was when it was copied."""
        chain = self._chains.get(answer)
        if chain is None:
            chain = Chain()
            if answer.is_copy:
                # The chip itself has answered in this round already: the copy knows only what came before.
                original = self._chains[Answer(answer.chip, is_copy=False)]
                chain = Chain(original.sequence - 1, original.previous)
            self._chains[answer] = chain
        return chain

    def _hand_in(self, part: Sequence[Answer], signed: SignedBatch) -> None:
        """Submit a batch, and let every chip remember what was accepted of it."""
        self.collected += len(part)
        try:
            verdict = self.desk.submit(signed.envelope).verdict
        except Refused as refused:
            if refused.code != "no_valid_evidence":
                raise
            self.not_accepted += len(part)
            return
        results = verdict["results"]
        if not isinstance(results, dict):
            raise TypeError("a verdict on evidence has results by index")
        self.not_accepted += len(results)
        for index, (answer, digest) in enumerate(zip(part, signed.digests, strict=True)):
            if str(index) not in results:
                self._chains[answer].previous = digest
