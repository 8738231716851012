"""The limit of registering: ``COPY`` of the finished rows into the same tables, with the same indexes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO

from django.db import connection

TABLES = {
    "registry_chip": "id, maker_id, serial, model_id, device_key, statement_id",
    "tracking_movementline": "chip_id, movement_id",
    "tracking_holding": "chip_id, account_id, model_id, movement_id, transfer_id, since, installed_at",
}


def finished_rows(
    chips: Sequence[tuple[str, bytes]],
    *,
    first: int,
    maker: int,
    model: int,
    account: int,
    movement: int,
    statement: int,
    at: datetime,
) -> dict[str, bytes]:
    """The rows of new chips (serial, device key) in the text form of ``COPY``, by table, numbered from ``first``."""
    identity, line, holding = [], [], []
    for number, (serial, key) in enumerate(chips, first):
        identity.append(f"{number}\t{maker}\t{serial}\t{model}\t\\\\x{key.hex()}\t{statement}\n")
        line.append(f"{number}\t{movement}\n")
        holding.append(f"{number}\t{account}\t{model}\t{movement}\t\\N\t{at.isoformat()}\t\\N\n")
    texts = zip(TABLES, (identity, line, holding), strict=True)
    return {table: "".join(rows).encode() for table, rows in texts}


def copy_rows(rows: dict[str, bytes]) -> None:
    """Copy them in and commit."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        for table, text in rows.items():
            cursor.copy_expert(f"COPY {table} ({TABLES[table]}) FROM STDIN", BytesIO(text))
        cursor.execute("COMMIT")
