"""DSSE v1 envelopes: the signed paper. The signed bytes are kept exactly as received; nothing is re-serialised."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from chipledger import base64s
from chipledger.keys import PrivateKey
from chipledger.refusals import Refused
from chipledger.strict_json import parse_object

STATEMENT_TYPE: Final = "application/vnd.chipledger.statement+json"
MAX_ENVELOPE_BYTES: Final = 2 * 1024 * 1024
MAX_SIGNATURES: Final = 16
_MAX_SIGNATURE_BYTES: Final = 512
_MAX_WEBAUTHN_BYTES: Final = 4096
_MAX_KEYID: Final = 128


def pae(payload_type: str, payload: bytes) -> bytes:
    """Pre-authentication encoding: the bytes a signature covers (DSSE v1 protocol)."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True)
class WebAuthnAssertion:
    """What a passkey signed beside the challenge, so that outsiders can verify it (WebAuthn Level 2 §6.3.3)."""

    authenticator_data: bytes
    client_data_json: bytes


@dataclass(frozen=True)
class Signature:
    """One signature of an envelope. ``keyid`` is unauthenticated: a hint to look the key up, never a fact."""

    keyid: str
    sig: bytes
    """Raw r‖s or Ed25519; DER when a passkey made it."""
    webauthn: WebAuthnAssertion | None = None


@dataclass(frozen=True)
class Envelope:
    """A payload and who signed it."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    @cached_property
    def pae(self) -> bytes:
        return pae(self.payload_type, self.payload)

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the PAE: the identity of the statement, whoever signed it and however (32 bytes)."""
        return hashlib.sha256(self.pae).digest()

    def to_json(self) -> bytes:
        """The envelope as one line of JSON with standard base64."""
        signatures = []
        for signature in self.signatures:
            member: dict[str, object] = {"keyid": signature.keyid, "sig": base64s.encode(signature.sig)}
            if signature.webauthn is not None:
                member["webauthn"] = {
                    "authenticatorData": base64s.encode(signature.webauthn.authenticator_data),
                    "clientDataJSON": base64s.encode(signature.webauthn.client_data_json),
                }
            signatures.append(member)
        members = {
            "payloadType": self.payload_type,
            "payload": base64s.encode(self.payload),
            "signatures": signatures,
        }
        return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def parse_envelope(raw: bytes, *, payload_type: str = STATEMENT_TYPE) -> Envelope:
    """Read one envelope strictly, or refuse it with the member at fault. No signature is checked here.

    Passkey signatures carry ``webauthn: {authenticatorData, clientDataJSON}``, each in base64.
    """
    members = parse_object(raw, max_bytes=MAX_ENVELOPE_BYTES)
    _only(members, "envelope", required={"payload", "payloadType", "signatures"})
    found_type = _text(members, "payloadType")
    if found_type != payload_type:
        raise Refused(
            "payload_type_unknown",
            f"The payload type must be {payload_type}; have it signed under that one.",
            field="payloadType",
            value=found_type,
        )
    listed = members["signatures"]
    if not isinstance(listed, list) or not listed:
        raise Refused(
            "envelope_unsigned",
            "The envelope carries no signature; have it signed first.",
            field="signatures",
        )
    if len(listed) > MAX_SIGNATURES:
        raise Refused(
            "envelope_too_many_signatures",
            f"Give an envelope at most {MAX_SIGNATURES} signatures.",
            field="signatures",
        )
    return Envelope(
        payload_type=found_type,
        payload=base64s.decode_either(_text(members, "payload"), field="payload"),
        signatures=tuple(_parse_signature(found, place) for place, found in enumerate(listed)),
    )


def sign_payload(
    payload: bytes, keys: Sequence[PrivateKey], *, payload_type: str = STATEMENT_TYPE
) -> Envelope:
    """Put ``payload`` in an envelope signed by each key, in order."""
    message = pae(payload_type, payload)
    return Envelope(
        payload_type, payload, tuple(Signature(key.public.key_id, key.sign(message)) for key in keys)
    )


def _parse_signature(found: object, place: int) -> Signature:
    where = f"signatures[{place}]"
    if not isinstance(found, dict):
        raise _malformed(where)
    _only(found, where, required={"sig"}, optional={"keyid", "webauthn"})
    keyid = _text(found, "keyid", default="")
    if len(keyid) > _MAX_KEYID:
        raise Refused(
            "envelope_malformed", f"Give a key id of at most {_MAX_KEYID} characters.", field=f"{where}.keyid"
        )
    sig = _sized(found, "sig", where, limit=_MAX_SIGNATURE_BYTES)
    if "webauthn" not in found:
        return Signature(keyid, sig)
    webauthn = found["webauthn"]
    if not isinstance(webauthn, dict):
        raise _malformed(f"{where}.webauthn")
    where += ".webauthn"
    _only(webauthn, where, required={"authenticatorData", "clientDataJSON"})
    assertion = WebAuthnAssertion(
        authenticator_data=_sized(webauthn, "authenticatorData", where, limit=_MAX_WEBAUTHN_BYTES),
        client_data_json=_sized(webauthn, "clientDataJSON", where, limit=_MAX_WEBAUTHN_BYTES),
    )
    return Signature(keyid, sig, assertion)


def _sized(members: dict[str, object], name: str, where: str, *, limit: int) -> bytes:
    data = base64s.decode_either(_text(members, name), field=f"{where}.{name}")
    if not 0 < len(data) <= limit:
        raise Refused(
            "envelope_malformed", f"Give the member {name} 1 to {limit} bytes.", field=f"{where}.{name}"
        )
    return data


def _only(
    members: dict[str, object],
    where: str,
    *,
    required: AbstractSet[str],
    optional: AbstractSet[str] = frozenset(),
) -> None:
    for name in sorted(required - members.keys()):
        raise Refused("envelope_malformed", f"The {where} has no member {name}; add it.", field=name)
    for name in sorted(members.keys() - required - optional):
        raise Refused(
            "envelope_unknown_member",
            f"The {where} has a member that is not known; leave it out.",
            field=name,
        )


def _text(members: dict[str, object], name: str, *, default: str | None = None) -> str:
    value = members.get(name, default)
    if not isinstance(value, str):
        raise Refused("envelope_malformed", f"Write the member {name} as text.", field=name)
    return value


def _malformed(where: str) -> Refused:
    return Refused("envelope_malformed", f"Write {where} as an object.", field=where)
