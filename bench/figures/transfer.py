"""Handing over 10,000 chips of a register of 100,000: a dispatch that names a manifest, and a receipt of all of it."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta
from time import perf_counter

from bench import worlds
from bench.databases import checkpoint
from bench.harness import Figure
from bench.limits.transferring import hand_over
from chipledger.manifests import Shape
from chipledger.statements.tracking import TransferDispatched, TransferReceived
from ledger import door
from ledger.models import Statement
from tests.world import Party
from tracking.models import Account, AccountKind, Holding

SEED = 1


class HandOver:
    """From the submitted dispatch to the booked receipt, both signed. The same chips go there and back by turns.

    The chips that the product moves and those that the limit moves are two samples of one register.
    """

    name = "transfer_10k"
    unit = "chips/s"
    target = 0.35
    more_is_better = True
    most_turns = 100

    def __init__(self, *, register: int, chips: int) -> None:
        self.register = register
        self.chips = chips
        self._seconds: list[tuple[float, float]] = []

    def prepare(self) -> None:
        self._world = worlds.small_world()
        here = (self._world.operator, "dc-1")
        there = (self._world.second_operator, "dc-3")
        serials = worlds.serials(self.register)
        worlds.give_chips(self._world, serials, holder=here[0].handle, site=here[1])
        sample = random.Random(SEED).sample(serials, 2 * self.chips)
        self._ours, self._theirs = sorted(sample[: self.chips]), sorted(sample[self.chips :])
        self._routes = [(here, there), (there, here)]
        # There and back once, so that every account exists and the limit's own way is warm.
        for turn in (0, 1):
            self.product(turn)
        for turn in (0, 1):
            self.limit(turn)
        self._seconds.clear()

    def product(self, turn: int) -> float:
        (sender, source), (consignee, target) = self._routes[turn % 2]
        maker = self._world.maker.handle
        manifest = self._world.upload(sender, Shape.CHIPS, [[f"{maker}/{serial}"] for serial in self._ours])
        now = door.now()
        dispatch = self._world.envelope(
            TransferDispatched,
            by=sender,
            manifest=manifest,
            from_site=source,
            consignee=consignee.handle,
            to_site=target,
            dispatched_at=now,
            estimated_arrival=now + timedelta(days=2),
            waybill=secrets.token_hex(8),
        )
        receipt = self._world.envelope(
            TransferReceived,
            by=consignee,
            dispatch=door.read(dispatch).envelope.digest.hex(),
            received_at=now,
            accepted_all=True,
        )
        checkpoint()
        start = perf_counter()
        self._world.send(dispatch)
        between = perf_counter()
        self._world.send(receipt)
        end = perf_counter()
        self._check(self._ours, consignee, target)
        self._seconds.append((between - start, end - between))
        return self.chips / (end - start)

    def limit(self, turn: int) -> float:
        (sender, source), (consignee, target) = self._routes[turn % 2]
        accounts = {
            "source": account_of(sender, source, AccountKind.ON_HAND),
            "transit": account_of(sender, source, AccountKind.IN_TRANSIT),
            "target": account_of(consignee, target, AccountKind.ON_HAND),
        }
        maker, statement = self._world.maker.organisation.pk, Statement.objects.order_by("-pk")[0].pk
        checkpoint()
        start = perf_counter()
        hand_over(self._theirs, maker=maker, statement=statement, **accounts)
        seconds = perf_counter() - start
        self._check(self._theirs, consignee, target)
        return self.chips / seconds

    def further(self) -> Iterable[Figure]:
        return ()

    def notes(self) -> dict[str, float]:
        dispatches, receipts = zip(*self._seconds, strict=True)
        return {"seconds to dispatch": min(dispatches), "seconds to receive": min(receipts)}

    def end(self) -> None:
        return None

    def _check(self, serials: Sequence[str], party: Party, site: str) -> None:
        account = account_of(party, site, AccountKind.ON_HAND)
        there = Holding.objects.filter(account=account, chip__serial__in=serials).count()
        if there != self.chips:
            raise RuntimeError(f"{there} of {self.chips} chips arrived")


def account_of(party: Party, site: str, kind: AccountKind) -> int:
    """The number of an account that exists."""
    return Account.objects.get(kind=kind, organisation__signer__handle=party.handle, site__code=site).pk
