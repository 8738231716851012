"""Who may sign what: every kind of statement × kind of organisation × office of a key, as a paper table says it."""

from __future__ import annotations

from itertools import product

import pytest

from chipledger.refusals import Refused
from chipledger.statements import KINDS
from ledger.authority import AUTHORITY, check_may_sign
from ledger.models import Key, KeyRole, Signer, SignerKind

# One letter each: Manufacturer, Integrator, Distributor, Carrier, Operator, Regulator, iNspectorate, Landmark
# operator; Signatory, Administrator, machine (X).
KINDS_OF_ORGANISATION = dict(zip("MIDCORNL", SignerKind, strict=True))
OFFICES = {"S": KeyRole.SIGNATORY, "A": KeyRole.ADMINISTRATOR, "X": KeyRole.MACHINE}
TABLE = """
ledger.founded          R         A
key.added               MIDCORNL  A
key.rotated             MIDCORNL  SAX
key.revoked             MIDCORNL  A
signing_policy.adopted  MIDCORNL  A
organisation.admitted   R         SA
organisation.amended    R         SA
organisation.suspended  R         SA
model.published         M         SA
site.declared           MIDO      SA
site.amended            MIDO      SA
chips.commissioned      M         SAX
stock.opened            MIDO      SA
transfer.dispatched     MIDO      SA
transfer.received       MIDO      SA
transfer.settled        MIDO      SA
transfer.voided         MIDO      SA
chips.installed         MIDO      SAX
chips.removed           MIDO      SAX
chips.lost              MIDO      SA
chips.stolen            MIDO      SA
chips.recovered         MIDO      SA
chips.retired           MIDO      SA
chips.destroyed         MIDO      SA
stock.counted           MIDO      SA
statement.corrected     MIDO      SA
evidence.collected      MIDO      X
outage.declared         MIDO      SAX
policy.published        R         SA
finding.explained       MIDO      SA
finding.decided         R         SA
"""
ROWS = {
    kind: (organisations, offices) for kind, organisations, offices in map(str.split, TABLE.split("\n")[1:-1])
}


def may_sign(kind: str, organisation: SignerKind, *offices: KeyRole) -> str | None:
    """None when it may, else the code of the refusal."""
    keys = [Key(key_id="00", role=office) for office in offices]
    try:
        check_may_sign(kind, signer=Signer(handle="someone", kind=organisation), keys=keys)
    except Refused as refused:
        return refused.code if refused.status == 403 else f"{refused.code} with status {refused.status}"
    return None


def test_every_kind_of_statement_stands_in_the_table_once() -> None:
    assert ROWS.keys() == KINDS == AUTHORITY.keys()


@pytest.mark.parametrize(("kind", "organisation"), list(product(ROWS, "MIDCORNL")))
def test_a_cell_allows_exactly_the_offices_of_the_paper_table(kind: str, organisation: str) -> None:
    organisations, offices = ROWS[kind]
    for letter, office in OFFICES.items():
        found = may_sign(kind, KINDS_OF_ORGANISATION[organisation], office)
        if organisation not in organisations:
            assert found == "organisation_may_not_sign"
        elif letter not in offices:
            assert found == "role_may_not_sign"
        else:
            assert found is None


def test_one_key_without_the_office_spoils_the_others() -> None:
    found = may_sign("transfer.dispatched", SignerKind.OPERATOR, KeyRole.SIGNATORY, KeyRole.MACHINE)
    assert found == "role_may_not_sign"
