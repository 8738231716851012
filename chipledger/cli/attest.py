"""``chipledger attest``: chips answer the server's nonce, and a gateway files their evidence as one batch."""

from __future__ import annotations

import argparse
import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from chipledger import base64s, clock
from chipledger.cli.filing import build, file_statement
from chipledger.cli.options import (
    Verbs,
    add_signing,
    add_verb,
    api_of,
    common_of,
    read_file,
    read_keys,
    write_file,
)
from chipledger.cli.output import Output
from chipledger.keys import PrivateKey
from chipledger.refusals import Refused
from chipledger.statements.attestations import MAX_BATCH, EvidenceCollected, EvidenceItem
from chipledger.statements.common import ChipName, Digest, Part, format_instant
from chipledger.strict_json import parse_object

_MAX_DEVICES_FILE = 8 * 1024 * 1024


class Device(Part):
    """A chip's own key, and where its chain of evidence stands: the last ``seq`` and the hash of its claims."""

    chip: ChipName
    pem: str
    seq: Annotated[int, Field(ge=0)] = 0
    prev: Digest | None = None


class _Devices(Part):
    chips: Annotated[list[Device], Field(min_length=1, max_length=MAX_BATCH)]


def add_to(verbs: Verbs) -> None:
    verb = add_verb(verbs, "attest", _attest, help="file evidence of chips whose keys are in a file")
    verb.add_argument(
        "devices",
        type=Path,
        help='JSON {"chips":[{"chip":"maker/serial","pem":"…"}]}; seq and prev are kept in it',
    )
    verb.add_argument("--site", required=True)
    verb.add_argument("--nonce", help="the server's nonce (default: ask for one)")
    add_signing(verb)


def _attest(options: argparse.Namespace, out: Output) -> None:
    devices = _read_devices(options.devices)
    keys = read_keys(options)
    nonce = options.nonce or str(api_of(options).post("nonces", {"site": options.site}).get("nonce"))
    at = options.issued_at or clock.now()
    claims = [
        _claims(device, site=options.site, nonce=nonce, issued=format_instant(_whole(at)))
        for device in devices
    ]
    items = [_sign(device, text) for device, text in zip(devices, claims, strict=True)]
    payload = build(
        EvidenceCollected,
        common_of(options, keys) | {"site": options.site, "eat_nonce": nonce, "items": items},
    )
    outcome = file_statement(options, payload, keys, out)
    refused = _refused_items(outcome)
    answered = enumerate(zip(devices, claims, strict=True))
    _write_devices(
        options.devices,
        [device if place in refused else _after(device, text) for place, (device, text) in answered],
    )


def _claims(device: Device, *, site: str, nonce: str, issued: str) -> str:
    """What the chip signs: the claims' exact text, in the names of RFC 9711."""
    claims = {
        "eat_nonce": nonce,
        "ueid": device.chip,
        "seq": device.seq + 1,
        "prev": device.prev,
        "site": site,
        "iat": issued,
    }
    return json.dumps(claims, separators=(",", ":"))


def _sign(device: Device, claims: str) -> EvidenceItem:
    key = PrivateKey.from_pem(device.pem.encode())
    return EvidenceItem(claims=claims, sig=base64s.encode(key.sign(claims.encode())))


def _after(device: Device, claims: str) -> Device:
    """The device once its claims were accepted."""
    return device.model_copy(
        update={"seq": device.seq + 1, "prev": hashlib.sha256(claims.encode()).hexdigest()}
    )


def _refused_items(outcome: dict[str, object]) -> set[int]:
    """Places in the batch of the items that the server did not accept."""
    verdict = outcome.get("verdict")
    results = verdict.get("results") if isinstance(verdict, dict) else None
    return {int(place) for place in results} if isinstance(results, dict) else set()


def _read_devices(path: Path) -> list[Device]:
    try:
        return _Devices.model_validate(parse_object(read_file(path), max_bytes=_MAX_DEVICES_FILE)).chips
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Refused(
            "devices_malformed", f"The file of devices is wrong: {first['msg']}. Correct it.", field=field
        ) from None


def _write_devices(path: Path, devices: list[Device]) -> None:
    """Keep the chains in step with the server; the file holds private keys, so only its owner may read it."""
    waiting = path.with_name(f".{path.name}.new")
    waiting.unlink(missing_ok=True)
    write_file(waiting, _Devices(chips=devices).model_dump_json(indent=1).encode(), mode=0o600)
    waiting.replace(path)


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
