"""Statement schemas: one strict, versioned pydantic model per kind, and the one way to parse a payload."""

from __future__ import annotations

import json
import secrets
from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError

from chipledger import strict_json
from chipledger.refusals import Refused
from chipledger.statements import attestations, audits, ledger, registry, tracking
from chipledger.statements.common import SignerRef, Statement

MAX_PAYLOAD_BYTES: Final = 1024 * 1024

_MODELS: tuple[type[Statement], ...] = (
    ledger.LedgerFounded,
    ledger.KeyAdded,
    ledger.KeyRotated,
    ledger.KeyRevoked,
    ledger.SigningPolicyAdopted,
    registry.OrganisationAdmitted,
    registry.OrganisationAmended,
    registry.OrganisationSuspended,
    registry.ModelPublished,
    registry.SiteDeclared,
    registry.SiteAmended,
    registry.ChipsCommissioned,
    tracking.StockOpened,
    tracking.TransferDispatched,
    tracking.TransferReceived,
    tracking.TransferSettled,
    tracking.TransferVoided,
    tracking.ChipsInstalled,
    tracking.ChipsRemoved,
    tracking.ChipsLost,
    tracking.ChipsStolen,
    tracking.ChipsRecovered,
    tracking.ChipsRetired,
    tracking.ChipsDestroyed,
    tracking.StockCounted,
    tracking.StatementCorrected,
    attestations.EvidenceCollected,
    attestations.OutageDeclared,
    audits.PolicyPublished,
    audits.FindingExplained,
    audits.FindingDecided,
)

SCHEMAS: Final[dict[tuple[str, int], type[Statement]]] = {
    (str(model.model_fields["kind"].default), int(model.model_fields["v"].default)): model
    for model in _MODELS
}
KINDS: Final[frozenset[str]] = frozenset(kind for kind, _ in SCHEMAS)


def parse_payload(payload: bytes) -> Statement:
    """Read a statement strictly, or refuse it and name the field that is wrong."""
    body = strict_json.parse_object(payload, max_bytes=MAX_PAYLOAD_BYTES)
    kind, version = body.get("kind"), body.get("v")
    if not isinstance(kind, str) or kind not in KINDS:
        raise Refused(
            "unknown_kind",
            f"No statement of this kind exists; choose from {', '.join(sorted(KINDS))}.",
            field="kind",
            value=str(kind),
        )
    schema = SCHEMAS.get((kind, version)) if type(version) is int else None
    if schema is None:
        raise Refused(
            "unknown_version",
            f"This version is not known here; write {_versions_of(kind)}.",
            field="v",
            value=str(version),
        )
    try:
        return schema.model_validate(body)
    except ValidationError as error:
        raise _refusal_of(error) from None


def _versions_of(kind: str) -> str:
    return " or ".join(str(version) for named, version in sorted(SCHEMAS) if named == kind)


def _refusal_of(error: ValidationError) -> Refused:
    first = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or None
    match first["type"]:
        case "extra_forbidden":
            code, sentence = "unknown_field", "This kind of statement has no such member; leave it out."
        case "missing":
            code, sentence = "bad_field", "This member is missing; add it."
        case "value_error":
            code, sentence = "bad_field", first["msg"].removeprefix("Value error, ")
        case _:
            code, sentence = "bad_field", f"{first['msg']}; correct it."
    value = first["input"] if isinstance(first["input"], str | int) else None
    return Refused(code, sentence, field=field, value=None if value is None else str(value))


def write_payload(statement: Statement) -> bytes:
    """The bytes that are signed: compact JSON, members in the order of the schema, absent ones left out."""
    return json.dumps(
        statement.model_dump(mode="json", exclude_none=True), ensure_ascii=False, separators=(",", ":")
    ).encode()


def common_fields(
    *, log: str, signers: list[SignerRef], at: datetime, lifetime: timedelta = timedelta(days=1)
) -> dict[str, object]:
    """What every new statement begins with: a fresh nonce and a short life."""
    issued_at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    return {
        "log": log,
        "nonce": secrets.token_hex(16),
        "issued_at": issued_at,
        "expires_at": issued_at + lifetime,
        "signers": signers,
    }
