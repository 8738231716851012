"""Registering chips by the hundred thousand: from the staged rows of a manifest into the register, set-based.

The handlers of ``chips.commissioned`` here and ``stock.opened`` in the book's room both use it: ``check_new_chips`` in
``judge``, ``insert_chips`` in ``apply``.
"""

from __future__ import annotations

from typing import Final, NoReturn, TypeVar

from django.db import IntegrityError, connection, transaction

from chipledger.refusals import Refused
from chipledger.statements.common import Statement as Body
from ledger.handlers import Filing, rows_refused
from registry.models import Organisation
from registry.queries.lookups import hold_names
from registry.queries.new_chips import bad_models, rows_at_fault

B = TypeVar("B", bound=Body)

_INSERT: Final = """
WITH born AS (
    INSERT INTO registry_chip (maker_id, serial, model_id, device_key, statement_id)
    SELECT %(maker)s, staged.serial, model.id, decode(staged.device_key, 'base64'), %(statement)s
    FROM staged_commission staged
        JOIN registry_chipmodel model ON model.code = staged.model AND model.maker_id = %(maker)s
    RETURNING id, model_id
)
INSERT INTO new_chips (chip_id, model_id) SELECT id, model_id FROM born
"""


def check_new_chips(filing: Filing[B], maker: Organisation) -> None:
    """Refuse rows of ``staged_commission`` whose model is unknown or another maker's, and then all other rows at fault.

    Serials and device keys that are registered already are found by the unique indexes when ``insert_chips`` writes:
    asking for each of a hundred thousand beforehand would cost as much again as writing them.
    """
    hold_names("chips-of", [maker.signer.handle])
    if bad_models(maker):
        reject_rows(filing, maker)


def leave_out_identical_rows(maker: Organisation) -> int:
    """Take the rows out of ``staged_commission`` that say what the register says already; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM staged_commission staged USING registry_chip chip, registry_chipmodel known
               WHERE chip.maker_id = %s AND chip.serial = staged.serial AND known.id = chip.model_id
                 AND known.code = staged.model
                 AND chip.device_key IS NOT DISTINCT FROM decode(staged.device_key, 'base64')""",
            [maker.pk],
        )
        return int(cursor.rowcount)


def insert_chips(filing: Filing[B], maker: Organisation) -> int:
    """Write the staged chips, and leave ``new_chips (chip_id, model_id)`` in a temporary table; returns how many.

    Raises Refused ``rows_refused`` after rejecting each row whose serial or device key is taken.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS new_chips (chip_id bigint, model_id bigint) ON COMMIT DELETE ROWS"
        )
        cursor.execute("TRUNCATE new_chips")
        try:
            with transaction.atomic():
                cursor.execute(_INSERT, {"maker": maker.pk, "statement": filing.booked.pk})
        except IntegrityError:
            reject_rows(filing, maker)
        inserted = cursor.rowcount
        cursor.execute("SELECT count(*) FROM staged_commission")
        (staged,) = cursor.fetchone()
        if inserted != staged:
            raise RuntimeError(f"{inserted} of {staged} chips were written")
        cursor.execute("ANALYZE new_chips")
    return int(inserted)


def reject_rows(filing: Filing[B], maker: Organisation) -> NoReturn:
    """Reject every staged row that the register refuses, each at its place, then the statement."""
    count = 0
    for refused in rows_at_fault(maker, reader=filing.signer.pk):
        filing.reject(refused)
        count += 1
    if not count:
        raise Refused(
            "rows_refused",
            "Two rows of the file name the same chip or device key; nothing was booked. Leave one of them out.",
        )
    raise rows_refused(count)
