"""Words for statements about keys, organisations, chip models and sites."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chipledger.keys import PublicKey
from chipledger.statements.ledger import (
    KeyAdded,
    KeyRevoked,
    KeyRotated,
    LedgerFounded,
    SigningPolicyAdopted,
)
from chipledger.statements.registry import (
    ModelPublished,
    OrganisationAdmitted,
    OrganisationAmended,
    OrganisationSuspended,
    SiteFacts,
)
from portal.papers.wording import Words, when
from web.components import Fact, FactKind


def _founded(body: LedgerFounded, who: str) -> Words:
    names = ", ".join(each.handle for each in body.regulators)
    return Words(
        "Founding of the log",
        f"{names} found the log {body.log} and answer for who is admitted to it.",
        (Fact("Log", body.log), Fact("Regulators", names)),
    )


def _key(body: KeyAdded | KeyRotated, who: str) -> Words:
    key = PublicKey.from_base64(body.key.spki)
    retires = [Fact("Retires", body.retires, kind=FactKind.DIGEST)] if isinstance(body, KeyRotated) else []
    what = {"passkey": "passkey", "machine": "machine's key"}.get(body.key.purpose, "key kept offline")
    return Words(
        f"A new {body.key.role}'s key of {who}",
        f"{who} lets a further key, a {what}, sign for it as {body.key.role}. "
        "The new key signs too, to prove that somebody holds it.",
        (
            Fact("New key", key.key_id, kind=FactKind.DIGEST),
            Fact("Algorithm", key.algorithm.value),
            Fact("Office", body.key.role),
            *([Fact("Person", f"pseudonym {body.key.person}")] if body.key.person else []),
            *retires,
        ),
    )


def _revoked(body: KeyRevoked, who: str) -> Words:
    since = [when("Suspected since", body.suspected_since)] if body.suspected_since else []
    return Words(
        f"Revocation of a key of {who}",
        f"{who} ends a key of its own. What it signed before stands.",
        (Fact("Key", body.key, kind=FactKind.DIGEST), Fact("Reason", body.reason.replace("_", " ")), *since),
    )


def _signing_policy(body: SigningPolicyAdopted, who: str) -> Words:
    limits = [
        f"more than {limit:,} {what}"
        for limit, what in ((body.second_above_chips, "chips"), (body.second_above_tpp, "TPP"))
        if limit is not None
    ]
    synced = "refused" if body.refuses_synced else "accepted"
    return Words(
        f"Signing policy of {who}",
        f"{who} says what its own signatures need from now on: synced passkeys are {synced}, and "
        + (
            f"two people sign transfers of {' or '.join(limits)}."
            if limits
            else "one person signs any transfer."
        ),
        (
            Fact("Synced passkeys", synced),
            Fact("Two people for transfers of", " or ".join(limits) or "none"),
            *([Fact("Replaces", body.previous, kind=FactKind.DIGEST)] if body.previous else []),
        ),
    )


def _organisation(body: OrganisationAdmitted | OrganisationAmended, who: str) -> Words:
    admitted = isinstance(body, OrganisationAdmitted)
    kind = [Fact("Kind", body.organisation_kind)] if isinstance(body, OrganisationAdmitted) else []
    return Words(
        f"{'Admission' if admitted else 'Amendment'} of {body.name}",
        f"{who} {'admits' if admitted else 'amends the record of'} the organisation {body.handle}.",
        (
            Fact("Handle", body.handle),
            *kind,
            Fact("Countries", ", ".join(body.countries)),
            *(
                Fact("Owner", f"{each.organisation}, {each.share_bp / 100:g} % since {each.since}")
                for each in body.owners
            ),
        ),
    )


def _suspended(body: OrganisationSuspended, who: str) -> Words:
    return Words(
        f"Suspension of {body.handle}",
        f"{who} stops {body.handle} from signing; it still answers for its chips.",
        (Fact("Reason", body.reason),),
    )


def _model(body: ModelPublished, who: str) -> Words:
    return Words(
        f"Chip model {body.name}",
        f"{who} publishes the chip model {body.code}.",
        (
            Fact("TPP", f"{body.tpp:,}"),
            Fact("Memory", f"{body.memory_mb:,} MB {body.memory_kind}"),
            Fact("TDP", f"{body.tdp_w:,} W"),
        ),
    )


def _site(body: SiteFacts, who: str) -> Words:
    return Words(
        f"Site {body.name}",
        f"{who} {'declares' if body.kind == 'site.declared' else 'amends'} its site {body.code} in {body.country}.",
        (
            Fact("Place", f"{body.latitude_e7 / 1e7:.4f}, {body.longitude_e7 / 1e7:.4f}"),
            Fact("Power", f"{body.power_kw:,} kW"),
            Fact("Slots", body.slots, kind=FactKind.NUMBER),
            *(Fact("Network link", f"{link.site}, {link.mbit_s:,} Mbit/s") for link in body.links),
        ),
    )


REGISTER_WORDS: dict[Any, Callable[[Any, str], Words]] = {
    LedgerFounded: _founded,
    KeyAdded: _key,
    KeyRotated: _key,
    KeyRevoked: _revoked,
    SigningPolicyAdopted: _signing_policy,
    OrganisationAdmitted: _organisation,
    OrganisationAmended: _organisation,
    OrganisationSuspended: _suspended,
    ModelPublished: _model,
    SiteFacts: _site,
}
