"""Registering chips by the hundred thousand: from the staged rows of a manifest into the register, set-based.

The handlers of ``chips.commissioned`` here and ``stock.opened`` in the book's room both use it: ``check_new_chips`` in
``judge``, ``insert_chips`` in ``apply``.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final, NoReturn, TypeVar

from django.db import IntegrityError, connection, transaction

from chipledger.refusals import Refused
from chipledger.statements.common import Statement as Body
from ledger.handlers import Filing
from registry.models import ChipModel, Organisation
from registry.queries.lookups import hold_names

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

# Rows that the register refuses, each with its place and, where a chip is known already, whose statement says so.
_FAULTS: Final = """
SELECT staged.row, 'model', staged.model, bad.code, bad.sentence
FROM staged_commission staged JOIN unnest(%(models)s::text[], %(codes)s::text[], %(sentences)s::text[])
    AS bad (model, code, sentence) ON bad.model = staged.model
UNION ALL
SELECT staged.row, 'serial', staged.serial, 'serial_registered',
    'This serial is registered already' || CASE WHEN statement.signer_id = %(reader)s
        THEN ', by your statement ' || left(encode(statement.digest, 'hex'), 16) || '.' ELSE '.' END
FROM staged_commission staged
    JOIN registry_chip chip ON chip.maker_id = %(maker)s AND chip.serial = staged.serial
    JOIN ledger_statement statement ON statement.id = chip.statement_id
UNION ALL
SELECT staged.row, 'device_key', staged.device_key, 'device_key_registered',
    'This device key is registered already' || CASE WHEN statement.signer_id = %(reader)s
        THEN ', for ' || signer.handle || '/' || chip.serial || '.' ELSE '.' END
FROM staged_commission staged
    JOIN registry_chip chip ON sha256(chip.device_key) = sha256(decode(staged.device_key, 'base64'))
    JOIN ledger_statement statement ON statement.id = chip.statement_id
    JOIN ledger_signer signer ON signer.id = chip.maker_id
ORDER BY 1, 2
"""


def check_new_chips(filing: Filing[B], maker: Organisation) -> None:
    """Refuse rows of ``staged_commission`` whose model is unknown or another maker's, and then all other rows at fault.

    Serials and device keys that are registered already are found by the unique indexes when ``insert_chips`` writes:
    asking for each of a hundred thousand beforehand would cost as much again as writing them.
    """
    hold_names("chips-of", [maker.signer.handle])
    if _bad_models(maker):
        reject_rows(filing, maker)


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
    bad = _bad_models(maker)
    count = 0
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            _FAULTS,
            {
                "maker": maker.pk,
                "reader": filing.signer.pk,
                "models": list(bad),
                "codes": [code for code, _ in bad.values()],
                "sentences": [sentence for _, sentence in bad.values()],
            },
        )
        for row, field, value, code, sentence in cursor:
            filing.reject(Refused(code, sentence, row=row, field=field, value=value))
            count += 1
    if not count:
        raise Refused(
            "rows_refused", "Two rows of the file name the same chip or device key; nothing was booked."
        )
    rows = "1 row is" if count == 1 else f"{count:,} rows are"
    raise Refused("rows_refused", f"{rows} refused; nothing was booked.", value=str(count))


def _bad_models(maker: Organisation) -> dict[str, tuple[str, str]]:
    """The staged models that this maker has not published: why, with the one that was perhaps meant."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT model, EXISTS (SELECT FROM registry_chipmodel other WHERE other.code = model)
               FROM (SELECT DISTINCT model FROM staged_commission) named
               WHERE model NOT IN (SELECT code FROM registry_chipmodel WHERE maker_id = %s)""",
            [maker.pk],
        )
        found: list[tuple[str, bool]] = cursor.fetchall()
    if not found:
        return {}
    own = list(ChipModel.objects.filter(maker=maker).values_list("code", flat=True))
    bad = {}
    for model, exists in found:
        if exists:
            bad[model] = ("model_of_another_maker", "This chip model was published by another maker.")
            continue
        near = get_close_matches(model, own, n=1) if len(bad) < _SUGGESTED else []
        meant = f" Did you mean {near[0]}?" if near else ""
        bad[model] = ("unknown_model", f"The maker has published no chip model of this code.{meant}")
    return bad


_SUGGESTED: Final = 1000
"""Suggestions are for slips of the pen; a file with more unknown models than this has another fault."""
