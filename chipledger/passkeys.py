"""Signatures made with a passkey: a WebAuthn assertion whose challenge is the statement's digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from webauthn import verify_authentication_response
from webauthn.helpers import bytes_to_base64url, encode_cbor, parse_authenticator_data
from webauthn.helpers.exceptions import InvalidAuthenticationResponse, WebAuthnException
from webauthn.helpers.structs import AuthenticationCredential, AuthenticatorAssertionResponse

from chipledger.dsse import Envelope, Signature, WebAuthnAssertion
from chipledger.keys import Algorithm, PublicKey
from chipledger.refusals import Refused
from chipledger.strict_json import parse_object

_MAX_CLIENT_DATA: Final = 4096
# The library wants a credential id only to compare it with itself; which key may sign is decided from our own record.
_NO_CREDENTIAL_ID: Final = b"\x00"


@dataclass(frozen=True)
class PasskeyFlags:
    """What an authenticator says of a passkey each time it signs (WebAuthn Level 3, §6.1.3).

    ``is_backup_eligible`` never changes: the passkey may leave its device (it is synced). ``is_backed_up``: it has.
    """

    is_backup_eligible: bool
    is_backed_up: bool


def read_flags(assertion: WebAuthnAssertion) -> PasskeyFlags:
    """The backup flags of a signature, or Refused when they cannot be read."""
    try:
        flags = parse_authenticator_data(assertion.authenticator_data).flags
    except (WebAuthnException, ValueError) as error:
        raise _malformed(error) from None
    return PasskeyFlags(is_backup_eligible=flags.be, is_backed_up=flags.bs)


def verify_assertion(
    key: PublicKey,
    assertion: WebAuthnAssertion,
    signature: bytes,
    *,
    challenge: bytes,
    rp_id: str,
    origins: Sequence[str],
) -> None:
    """Refuse a passkey signature that is not this person's, present and verified, over exactly this statement.

    ``signature`` is DER; ``challenge`` is SHA-256 of the PAE. The signature counter is not compared: synced passkeys
    keep it at zero, and a replay is caught by the statement's identity (WebAuthn Level 2 §7.2).
    """
    client_data = parse_object(assertion.client_data_json, max_bytes=_MAX_CLIENT_DATA)
    # The library decodes base64 leniently and accepts frames of other sites; both are checked here first.
    if client_data.get("challenge") != bytes_to_base64url(challenge):
        raise Refused(
            "passkey_wrong_challenge",
            "The passkey signed another statement; have this one signed before you rely on it.",
        )
    if client_data.get("crossOrigin", False) is not False:
        raise Refused(
            "passkey_cross_origin",
            "The passkey was used inside a frame of another site; have it signed anew on the log's own page.",
        )
    if client_data.get("origin") not in origins:
        raise Refused(
            "passkey_wrong_origin",
            "The passkey was used on another site; have it signed anew on that of the log.",
            value=str(client_data.get("origin")),
        )
    credential = AuthenticationCredential(
        id=bytes_to_base64url(_NO_CREDENTIAL_ID),
        raw_id=_NO_CREDENTIAL_ID,
        response=AuthenticatorAssertionResponse(
            client_data_json=assertion.client_data_json,
            authenticator_data=assertion.authenticator_data,
            signature=signature,
        ),
    )
    try:
        verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=rp_id,
            expected_origin=list(origins),
            credential_public_key=_cose_key(key),
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except InvalidAuthenticationResponse as error:
        raise Refused(
            "passkey_invalid",
            f"The passkey signature does not verify: {error}. Have it signed anew before you rely on it.",
        ) from None
    except (WebAuthnException, ValueError) as error:
        raise _malformed(error) from None


def verify_signature(
    signature: Signature, key: PublicKey, envelope: Envelope, *, rp_id: str | None, origins: Sequence[str]
) -> None:
    """Refuse a signature of an envelope that is not this key's, made with a passkey or without.

    ``rp_id`` None means that no passkey is trusted here.
    """
    if signature.webauthn is not None:
        if rp_id is None:
            raise Refused("passkey_not_expected", "A passkey signed; name the site to check it against.")
        verify_assertion(
            key, signature.webauthn, signature.sig, challenge=envelope.digest, rp_id=rp_id, origins=origins
        )
    elif not key.verify(signature.sig, envelope.pae):
        raise Refused(
            "signature_invalid",
            "The signature does not verify; have it signed anew with the key that it names.",
            field="signatures",
            value=key.key_id,
        )


def other_algorithm(*, field: str) -> Refused:
    """The refusal of a passkey that does not sign with P-256."""
    return Refused("passkey_algorithm", "A passkey signs with ES256 (P-256); use one that does.", field=field)


def _malformed(error: Exception) -> Refused:
    return Refused(
        "passkey_malformed",
        f"The passkey signature cannot be read: {error}. Have it signed anew before you rely on it.",
    )


def _cose_key(key: PublicKey) -> bytes:
    """COSE_Key of a P-256 key (RFC 9053 §7.1.1). Passkeys dependably offer ES256 only."""
    if key.algorithm is not Algorithm.P256:
        raise Refused(
            "passkey_algorithm",
            "A passkey signs with ES256 (P-256); have it signed anew with one that does.",
        )
    return encode_cbor({1: 2, 3: -7, -1: 1, -2: key.raw[:32], -3: key.raw[32:]})
