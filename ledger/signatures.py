"""Signatures of an envelope as they are kept beside the payload, and the envelope made whole again."""

from __future__ import annotations

from collections.abc import Sequence

from chipledger import base64s
from chipledger.dsse import STATEMENT_TYPE, Envelope, Signature, WebAuthnAssertion
from ledger.models import Statement


def to_rows(signatures: Sequence[Signature]) -> list[dict[str, str]]:
    """Signatures as JSON, every byte string in standard base64."""
    rows = []
    for signature in signatures:
        row = {"keyid": signature.keyid, "sig": base64s.encode(signature.sig)}
        if signature.webauthn is not None:
            row["authenticator_data"] = base64s.encode(signature.webauthn.authenticator_data)
            row["client_data_json"] = base64s.encode(signature.webauthn.client_data_json)
        rows.append(row)
    return rows


def envelope_of(statement: Statement) -> Envelope:
    """The envelope of a statement, with its payload byte for byte as received."""
    signatures = []
    for row in statement.signatures:
        assertion = None
        if "client_data_json" in row:
            assertion = WebAuthnAssertion(
                base64s.decode(row["authenticator_data"], field="authenticator_data"),
                base64s.decode(row["client_data_json"], field="client_data_json"),
            )
        signatures.append(Signature(row["keyid"], base64s.decode(row["sig"], field="sig"), assertion))
    return Envelope(STATEMENT_TYPE, bytes(statement.payload), tuple(signatures))
