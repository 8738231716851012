"""A site gateway as tests need it: it asks its chips, keeps what each must go on from, and files batches."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from attestations.nonces import issue_nonce
from chipledger import clock
from chipledger.keys import Algorithm, PrivateKey
from chipledger.statements.attestations import EvidenceCollected
from ledger import door
from registry.models import Chip, ChipModel, Organisation
from tests.world import Party, World


class StandingClock:
    """A clock that stands where a test puts it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> datetime:
        self.at += timedelta(**by)
        return self.at


class Gateway:
    """The gateway of one site. Chips keep their own sequence in ``chain``, which gateways of a world may share."""

    def __init__(
        self, world: World, party: Party, site: str, chain: dict[str, tuple[int, str | None]]
    ) -> None:
        self.world, self.party, self.site, self.chain = world, party, site, chain

    def nonce(self) -> str:
        return issue_nonce(self.site, self.party.handle, clock.now())

    def ask(self, chip: str, nonce: str, **claims: Any) -> dict[str, str]:
        """The chip's next evidence; ``claims`` replace what an honest chip would say."""
        seq, prev = self.chain.get(chip, (0, None))
        honest: dict[str, Any] = {"nonce": nonce, "site": self.site, "seq": seq + 1, "prev": prev}
        item = self.world.evidence(chip, **{**honest, **claims})
        self.chain[chip] = (seq + 1, hashlib.sha256(item["claims"].encode()).hexdigest())
        return item

    def envelope(self, items: Sequence[dict[str, str]], *, nonce: str, **fields: Any) -> bytes:
        return self.world.envelope(
            EvidenceCollected,
            by=self.party,
            key=self.party.machine_key,
            **{"site": self.site, "eat_nonce": nonce, "items": list(items), **fields},
        )

    def file(self, items: Sequence[dict[str, str]], *, nonce: str, **fields: Any) -> door.Outcome:
        return self.world.send(self.envelope(items, nonce=nonce, **fields))

    def collect(self, chips: Iterable[str]) -> door.Outcome:
        """Ask these chips and file what they say, honestly."""
        nonce = self.nonce()
        return self.file([self.ask(chip, nonce) for chip in chips], nonce=nonce)


def register(world: World, serials: Iterable[str], *, algorithm: Algorithm = Algorithm.P256) -> list[str]:
    """Chips with device keys of a kind, straight into the register: how they got there is another room's test."""
    model = ChipModel.objects.get(code="maker-a-h100")
    maker = Organisation.objects.get(signer__handle=world.maker.handle)
    rows = []
    for serial in serials:
        key = PrivateKey.generate(algorithm)
        world.device_keys[f"{world.maker.handle}/{serial}"] = key
        rows.append(
            Chip(
                maker=maker,
                serial=serial,
                model=model,
                device_key=key.public.spki,
                statement_id=model.statement_id,
            )
        )
    Chip.objects.bulk_create(rows)
    return [f"{world.maker.handle}/{row.serial}" for row in rows]
