"""What gateways and chips do outside the house: answer a nonce, collect answers, sign the batch. Needs no Django."""

from __future__ import annotations

import base64
import hashlib
import json
import signal
from dataclasses import dataclass
from datetime import datetime

from chipledger.dsse import sign_payload
from chipledger.statements import common_fields, write_payload
from chipledger.statements.attestations import EvidenceCollected, EvidenceItem
from chipledger.statements.common import SignerRef, format_instant
from config.embedded.lifeline import die_with_parent
from simulator.drive.keys import device_key, machine_key


@dataclass(frozen=True, slots=True)
class Request:
    """What a gateway asks of its chips: their names, each with the sequence number and predecessor it goes on from."""

    seed: int
    log: str
    organisation: str
    site: str
    nonce: str
    at: datetime
    chips: tuple[tuple[str, int, str | None], ...]


@dataclass(frozen=True, slots=True)
class SignedBatch:
    """The envelope to submit, and the SHA-256 of each chip's claims, in the order of the request."""

    envelope: bytes
    digests: tuple[str, ...]


def stay_quiet(parent: int) -> None:
    """Begin a signing process: it leaves Ctrl-C to its parent, and ends with it, whatever ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(parent, signal.SIGKILL)


def sign_batch(request: Request) -> SignedBatch:
    """Let every chip sign its claims, and the gateway the batch."""
    at = format_instant(request.at)
    items, digests = [], []
    for chip, sequence, previous in request.chips:
        claims = _claims(request, chip, sequence, previous, at=at)
        signature = device_key(request.seed, chip).sign(claims.encode())
        items.append(EvidenceItem(claims=claims, sig=base64.b64encode(signature).decode()))
        digests.append(hashlib.sha256(claims.encode()).hexdigest())
    key = machine_key(request.seed, request.organisation)
    signers = [SignerRef(organisation=request.organisation, key=key.public.key_id)]
    fields = {"site": request.site, "eat_nonce": request.nonce, "items": items}
    body = EvidenceCollected.model_validate(
        {**common_fields(log=request.log, signers=signers, at=request.at), **fields}
    )
    return SignedBatch(sign_payload(write_payload(body), [key]).to_json(), tuple(digests))


def public_keys(seed: int, chips: list[str]) -> list[str]:
    """The public device keys of chips, as their maker lists them in a manifest."""
    return [device_key(seed, chip).public.base64 for chip in chips]


def _claims(request: Request, chip: str, sequence: int, previous: str | None, *, at: str) -> str:
    return json.dumps(
        {
            "eat_nonce": request.nonce,
            "ueid": chip,
            "seq": sequence,
            "prev": previous,
            "site": request.site,
            "iat": at,
        },
        separators=(",", ":"),
    )
