"""What the statements of this room do: evidence is judged and booked, outages are written down."""

from __future__ import annotations

from typing import cast

from attestations import actions
from attestations.batches import judge_batch, refuse_worthless
from attestations.models import Conflict, Outage, Presence, Sighting, TamperSign, UsedNonce
from attestations.nonces import nonce_used, open_nonce
from attestations.queries import is_used
from attestations.rules import Result, check_outage, next_due, presence_gap_hours
from chipledger.refusals import Refused
from chipledger.statements.attestations import ChipClaims, EvidenceCollected, OutageDeclared
from chipledger.statements.common import format_instant
from ledger.book import keep
from ledger.handlers import Filing, Handler, Verdict, handles
from ledger.models import Statement
from registry.models import Site


@handles("evidence.collected")
class Collected(Handler[EvidenceCollected]):
    """Chips prove who they are, through the gateway of the site where they are.

    Who holds a chip in the book plays no part: book and silicon are two accounts. The verdict is
    ``{"accepted": n, "gap_hours": h, "results": {index: code of each item that was not accepted},
    "conflicts": {sign: [index]}}``, indices from 0.
    """

    def judge(self, filing: Filing[EvidenceCollected]) -> Verdict:
        body = filing.body
        site = own_site(body.site, filing)
        open_nonce(body.eat_nonce, body.site, filing.signer.handle, filing.at)
        if is_used(body.eat_nonce):
            raise nonce_used()
        found = judge_batch(body, site=site, at=filing.at)
        refuse_worthless(body, found)
        return {
            "accepted": found.accepted,
            "gap_hours": presence_gap_hours(),
            "results": {
                str(index): str(result)
                for index, result in sorted(found.results.items())
                if result is not Result.ACCEPTED
            },
            "conflicts": {str(sign): indices for sign, indices in found.conflicts.items()},
        }

    def apply(self, filing: Filing[EvidenceCollected], verdict: Verdict) -> None:
        body, by, at = filing.body, filing.booked, filing.at
        results = cast("dict[str, str]", verdict["results"])
        conflicts = cast("dict[str, list[int]]", verdict["conflicts"])
        chips = {
            TamperSign(sign): [_claims(body, index).ueid for index in indices]
            for sign, indices in conflicts.items()
        }
        booked = [
            ((claims := _claims(body, index)).ueid, claims.seq, item.digest.hex())
            for index, item in enumerate(body.items)
            if str(index) not in results
        ]
        actions.use_nonce(body.eat_nonce, by=by, at=at)
        actions.record_conflicts(chips, site=body.site, by=by, at=at)
        gap_hours = float(cast("float", verdict["gap_hours"]))
        actions.record_sightings(booked, site=body.site, gap_hours=gap_hours, by=by, at=at)

    def answer(self, statement: Statement) -> dict[str, object]:
        """When the gateway should come back. The book does not keep it."""
        return {"next_due": format_instant(next_due(statement.accepted_at, bytes(statement.digest)))}


@handles("outage.declared")
class OutageHandler(Handler[OutageDeclared]):
    """An operator explains a silence of its own site."""

    def judge(self, filing: Filing[OutageDeclared]) -> Verdict:
        own_site(filing.body.site, filing)
        check_outage(filing.body, at=filing.at)
        return {}

    def apply(self, filing: Filing[OutageDeclared], verdict: Verdict) -> None:
        actions.declare_outage(filing.body, by=filing.booked, organisation_id=filing.signer.pk)


def own_site(code: str, filing: Filing[EvidenceCollected] | Filing[OutageDeclared]) -> Site:
    """The signer's own site of this code; others' sites are as unknown as those that do not exist."""
    site = Site.objects.filter(code=code, organisation_id=filing.signer.pk).first()
    if site is None:
        raise Refused(
            "unknown_site",
            "Your organisation has no site of this code; declare it first.",
            field="site",
            value=code,
        )
    return site


def _claims(body: EvidenceCollected, index: int) -> ChipClaims:
    claims = body.readings[index]
    if isinstance(claims, Refused):
        raise TypeError("a verdict names claims that cannot be read") from claims
    return claims


_CHIP = """JOIN registry_chip chip ON chip.id = chip_id JOIN ledger_signer maker ON maker.id = chip.maker_id
           JOIN registry_site site ON site.id = site_id"""

keep(UsedNonce, "SELECT token_sha256, statement_id, used_at FROM attestations_usednonce")
keep(
    Sighting,
    f"""SELECT maker.handle, chip.serial, identity, place, site.code, seen_at, present_since, seq, claims_sha256,
               sighting.statement_id
        FROM attestations_sighting sighting {_CHIP}""",
)
keep(
    Presence,
    f"SELECT maker.handle, chip.serial, site.code, began_at, ended_at FROM attestations_presence {_CHIP}",
)
keep(
    Conflict,
    f"""SELECT maker.handle, chip.serial, sign, site.code AS site, other.code AS other_site, seen_at, other_seen_at,
               conflict.statement_id
        FROM attestations_conflict conflict {_CHIP} JOIN registry_site other ON other.id = other_site_id""",
)
keep(
    Outage,
    """SELECT site.code, signer.handle, begins_at, ends_at, reason, outage.statement_id
       FROM attestations_outage outage JOIN registry_site site ON site.id = site_id
       JOIN ledger_signer signer ON signer.id = outage.organisation_id""",
)
