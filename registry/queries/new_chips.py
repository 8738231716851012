"""New chips that lie staged in ``staged_commission``, held against the register: set-based, and nothing is written.

The rows of this temporary table live as long as the transaction that staged them, and so do these questions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from django.db import connection

from chipledger.refusals import Refused
from registry.models import ChipModel, Organisation

# A chip of the register that a row names, and whether it is the very same chip: model and device key agree.
_KNOWN: Final = """
    registry_chip chip ON chip.maker_id = %(maker)s AND chip.serial = staged.serial
    JOIN registry_chipmodel known ON known.id = chip.model_id
    JOIN ledger_statement statement ON statement.id = chip.statement_id
"""
_IS_IDENTICAL: Final = """
    (known.code = staged.model AND chip.device_key IS NOT DISTINCT FROM decode(staged.device_key, 'base64'))
"""

# Rows that the register refuses, each with its place and, where a chip is known already, whose statement says so. Only
# the maker itself is told whether a row says the same as the register: others could ask for what they may not see.
_FAULTS: Final = f"""
SELECT staged.row, 'model', staged.model, bad.code, bad.sentence
FROM staged_commission staged JOIN unnest(%(models)s::text[], %(codes)s::text[], %(sentences)s::text[])
    AS bad (model, code, sentence) ON bad.model = staged.model
UNION ALL
SELECT staged.row, 'serial', staged.serial,
    CASE WHEN %(reader)s = %(maker)s AND {_IS_IDENTICAL} THEN 'registered_identically' ELSE 'serial_registered' END,
    CASE WHEN %(reader)s <> %(maker)s THEN 'This serial is registered already'
        WHEN {_IS_IDENTICAL} THEN 'This chip is registered already, with the same model and device key'
        WHEN known.code <> staged.model THEN 'This serial is registered already, as another model'
        ELSE 'This serial is registered already, with another device key' END
    || CASE WHEN statement.signer_id = %(reader)s
        THEN ', by your statement ' || left(encode(statement.digest, 'hex'), 16) ELSE '' END || '; leave the row out.'
FROM staged_commission staged JOIN {_KNOWN}
UNION ALL
SELECT staged.row, 'device_key', staged.device_key, 'device_key_registered',
    'This device key is registered already' || CASE WHEN statement.signer_id = %(reader)s
        THEN ', for ' || signer.handle || '/' || chip.serial ELSE '' END || '; correct the row, or leave it out.'
FROM staged_commission staged
    JOIN registry_chip chip ON sha256(chip.device_key) = sha256(decode(staged.device_key, 'base64'))
        AND (chip.maker_id, chip.serial) IS DISTINCT FROM (%(maker)s, staged.serial)
    JOIN ledger_statement statement ON statement.id = chip.statement_id
    JOIN ledger_signer signer ON signer.id = chip.maker_id
ORDER BY 1, 2
"""
_IDENTICAL: Final = f"""
SELECT staged.row, staged.serial, left(encode(statement.digest, 'hex'), 16)
FROM staged_commission staged JOIN {_KNOWN} WHERE {_IS_IDENTICAL} ORDER BY 1
"""
IDENTICAL: Final = "registered_identically"
SUGGESTED: Final = 1000
"""Suggestions are for slips of the pen; a file with more unknown models than this has another fault."""


@dataclass(frozen=True)
class NewChip:
    """A staged row. ``device_key`` is base64, or empty."""

    row: int
    model: str
    serial: str
    device_key: str


def rows_at_fault(maker: Organisation, *, reader: int) -> Iterator[Refused]:
    """Every staged row that the register refuses, by row; ``reader`` is the number of the organisation that is told."""
    bad = bad_models(maker)
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            _FAULTS,
            {
                "maker": maker.pk,
                "reader": reader,
                "models": list(bad),
                "codes": [code for code, _ in bad.values()],
                "sentences": [sentence for _, sentence in bad.values()],
            },
        )
        for row, field, value, code, sentence in cursor:
            yield Refused(code, sentence, row=row, field=field, value=value)


def rows_registered_identically(maker: Organisation) -> Iterator[Refused]:
    """The staged rows that say what the register says already, by row."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_IDENTICAL, {"maker": maker.pk})
        for row, serial, statement in cursor:
            sentence = (
                "Left out: registered already, with the same model and device key; "
                f"see statement {statement}."
            )
            yield Refused(IDENTICAL, sentence, row=row, field="serial", value=serial)


def staged_chips(*, limit: int | None = None) -> Iterator[NewChip]:
    """The staged rows in the order of the file."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            """SELECT row, model, serial, coalesce(device_key, '') FROM staged_commission
               ORDER BY row LIMIT %s""",
            [limit],
        )
        for values in cursor:
            yield NewChip(*values)


def staged_by_model() -> dict[str, int]:
    """How many rows are staged of each model, by its code."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT model, count(*) FROM staged_commission GROUP BY model ORDER BY model")
        return dict(cursor.fetchall())


def bad_models(maker: Organisation) -> dict[str, tuple[str, str]]:
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
            bad[model] = (
                "model_of_another_maker",
                "This chip model was published by another maker; name one of your own.",
            )
            continue
        near = get_close_matches(model, own, n=1) if len(bad) < SUGGESTED else []
        meant = f" Did you mean {near[0]}?" if near else ""
        bad[model] = (
            "unknown_model",
            f"The maker has published no chip model of this code; publish it, or name another.{meant}",
        )
    return bad
