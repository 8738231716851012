"""Envelopes: strict on the outside, byte-exact on the inside."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipledger.dsse import MAX_ENVELOPE_BYTES, STATEMENT_TYPE, Envelope, pae, parse_envelope, sign_payload
from chipledger.keys import Algorithm, PrivateKey
from chipledger.refusals import Refused

KEY = PrivateKey.generate(Algorithm.P256)
PAYLOAD = b'{"kind":"chips.lost","x":"\xc3\xbf\xc3\xbe\xc3\xbf?>"}'


def members() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sign_payload(PAYLOAD, [KEY]).to_json())
    return found


def refusal_of(raw: bytes | dict[str, Any]) -> Refused:
    with pytest.raises(Refused) as refusal:
        parse_envelope(raw if isinstance(raw, bytes) else json.dumps(raw).encode())
    return refusal.value


def test_pae_is_the_published_example() -> None:
    """Test vector of the DSSE v1 protocol document."""
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_lengths_in_pae_are_bytes() -> None:
    assert pae("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


def test_an_envelope_survives_the_wire() -> None:
    envelope = sign_payload(PAYLOAD, [KEY, PrivateKey.generate(Algorithm.ED25519)])
    found = parse_envelope(envelope.to_json())
    assert found == envelope
    assert found.payload == PAYLOAD
    assert found.digest == hashlib.sha256(pae(STATEMENT_TYPE, PAYLOAD)).digest()
    assert KEY.public.verify(found.signatures[0].sig, found.pae)


@pytest.mark.parametrize("alphabet", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padded", [True, False])
def test_either_alphabet_is_accepted(alphabet: Any, padded: bool) -> None:
    body = members()
    text = alphabet(PAYLOAD).decode()
    body["payload"] = text if padded else text.rstrip("=")
    assert parse_envelope(json.dumps(body).encode()).payload == PAYLOAD


def test_base64_with_stray_bits_blanks_or_mixed_alphabets_is_refused() -> None:
    for text in ("QQ==\n", "QR==", "QQ=", "Q", "+_AA", "QQ==QQ==", "é", "Q Q="):
        assert refusal_of(members() | {"payload": text}).code == "base64_malformed"


def test_unknown_missing_and_mistyped_members_are_refused() -> None:
    assert refusal_of(members() | {"extra": 1}).code == "envelope_unknown_member"
    assert refusal_of({"payload": "", "payloadType": STATEMENT_TYPE}).code == "envelope_malformed"
    assert refusal_of(members() | {"payload": 1}).code == "envelope_malformed"
    assert refusal_of(members() | {"payloadType": "text/plain"}).code == "payload_type_unknown"
    assert refusal_of(members() | {"signatures": []}).code == "envelope_unsigned"
    assert refusal_of(members() | {"signatures": {}}).code == "envelope_unsigned"
    assert refusal_of(members() | {"signatures": ["x"]}).code == "envelope_malformed"
    assert refusal_of(members() | {"signatures": [{"sig": ""}]}).code == "envelope_malformed"
    assert (
        refusal_of(members() | {"signatures": [{"sig": "AAAA", "cert": ""}]}).code
        == "envelope_unknown_member"
    )
    assert (
        refusal_of(members() | {"signatures": [{"sig": "AAAA", "webauthn": {}}]}).code == "envelope_malformed"
    )
    assert (
        refusal_of(members() | {"signatures": [{"sig": "AAAA"}] * 17}).code == "envelope_too_many_signatures"
    )


def test_duplicate_members_are_refused() -> None:
    raw = sign_payload(PAYLOAD, [KEY]).to_json()
    twice = raw.replace(b'"payload":', b'"payload":"e30=","payload":', 1)
    assert refusal_of(twice).code == "json_duplicate_key"


def test_an_envelope_that_is_too_long_is_refused_unread() -> None:
    assert refusal_of(b" " * (MAX_ENVELOPE_BYTES + 1)).code == "json_too_large"


@given(st.integers(min_value=0, max_value=10_000))
def test_a_truncated_envelope_is_refused(cut: int) -> None:
    raw = _RAW
    assert refusal_of(raw[: cut % len(raw)]).code == "json_malformed"


_RAW = sign_payload(PAYLOAD, [KEY]).to_json()


@given(st.binary(max_size=300), st.text(max_size=40))
def test_different_papers_have_different_identities(payload: bytes, kind: str) -> None:
    assert (Envelope(kind, payload, ()).digest == Envelope(kind + "x", payload, ()).digest) is False
    assert Envelope(kind, payload, ()).digest != Envelope(kind, payload + b"0", ()).digest
