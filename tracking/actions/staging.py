"""The chips a statement names, looked up once, in temporary tables that later steps join by number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from django.db import connection

from chipledger.statements.common import Statement as Body
from chipledger.statements.tracking import TransferReceived
from ledger import manifests
from ledger.handlers import B, Filing

STAGED: Final = "staged_holdings"
MOVING: Final = "moving_chips"
SETS: Final = "receipt_sets"
EXPECTED: Final = "expected_chips"
COLUMNS: Final = {
    STAGED: 'row bigint, name text COLLATE "C", chip_id bigint',
    MOVING: "chip_id bigint",
    SETS: 'row bigint, kind text, name text COLLATE "C", chip_id bigint, found text COLLATE "C", why text',
    EXPECTED: 'chip_id bigint, name text COLLATE "C"',
}
WORTH_COUNTING: Final = 1000
Parameters = Sequence[int | str | bool | list[int] | list[str] | None]


def stage_holdings(filing: Filing[B]) -> None:
    """Fill ``staged_holdings(row, name, chip_id)`` from the chips or the manifest; an unknown chip has no number.

    Identities never change, so that this needs no lock; where the chips are is asked later, under one.
    """
    manifests.stage(cast("Filing[Body]", filing))
    _look_up_staged()


def stage_receipt(filing: Filing[TransferReceived]) -> None:
    """Stage what is accepted, and the other four sets as ``receipt_sets(row, kind, name, chip_id, found, why)``.

    ``name`` is the chip that was expected; of the claims, over and swapped, only the name found is kept and it is
    never looked up here: whether such a chip exists is nothing that a receipt may depend on or tell.
    """
    body = filing.body
    if body.manifest is not None:
        manifests.stage(cast("Filing[Body]", filing))
    else:
        manifests.stage_names(body.accepted or [])
    _look_up_staged()
    rows = [
        *(("short", name, None) for name in body.short),
        *(("damaged", name, None) for name in body.damaged),
        *(("swapped", swap.expected, swap.found) for swap in body.swapped),
        *(("over", None, name) for name in body.over),
    ]
    why_of = {reason.chip: reason.why for reason in body.reasons}
    whys = [why_of.get(found or name or "", "") for _, name, found in rows]
    empty(SETS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO {SETS}
                SELECT named.place, named.kind, named.name, {_CHIP_ID.format("named.name")}, named.found, named.why
                FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[])
                    WITH ORDINALITY AS named(kind, name, found, why, place)""",
            [[row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows], whys],
        )


_CHIP_ID: Final = """(
    SELECT chip.id FROM ledger_signer maker JOIN registry_chip chip
      ON chip.maker_id = maker.id AND chip.serial = split_part({0}, '/', 2)
    WHERE maker.handle = split_part({0}, '/', 1))"""


def _look_up_staged() -> None:
    empty(STAGED)
    with connection.cursor() as cursor:
        # One index probe for each row: a join would be planned as a scan of all chips there are.
        cursor.execute(
            f"""INSERT INTO {STAGED} SELECT staged.row, staged.chip,
                    (SELECT chip.id FROM registry_chip chip
                     WHERE chip.maker_id = maker.id AND chip.serial = split_part(staged.chip, '/', 2))
                FROM staged_chips staged
                LEFT JOIN ledger_signer maker ON maker.handle = split_part(staged.chip, '/', 1)"""
        )
        if cursor.rowcount >= WORTH_COUNTING:
            cursor.execute(f"ANALYZE {STAGED}")


def empty(table: str) -> None:
    """Make a temporary table of this transaction, or empty the one an earlier statement left."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS {table} ({COLUMNS[table]}) ON COMMIT DELETE ROWS")
        cursor.execute(f"TRUNCATE {table}")


def fill_moving(query: str, parameters: Parameters) -> int:
    """Put the chips that a query finds into ``moving_chips``; returns how many."""
    empty(MOVING)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {MOVING} {query}", parameters)
        found = cursor.rowcount
        if found >= WORTH_COUNTING:
            cursor.execute(f"ANALYZE {MOVING}")
    return int(found)


def weigh(query: str, parameters: Parameters = ()) -> tuple[int, int]:
    """How many chips a query finds, and their TPP together."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT count(*), coalesce(sum(model.tpp), 0) FROM ({query}) chosen(chip_id)
                JOIN registry_chip chip ON chip.id = chosen.chip_id
                JOIN registry_chipmodel model ON model.id = chip.model_id""",
            parameters,
        )
        chips, tpp = cursor.fetchone()
    return int(chips), int(tpp)


def count_staged() -> int:
    """How many chips the statement names."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {STAGED}")
        return int(cursor.fetchone()[0])
