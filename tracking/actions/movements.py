"""The one primitive of the book: chips leave one account for another by a movement, and their holdings follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from ledger.handlers import B, Filing
from tracking.models import AccountKind, MovementKind, Transfer
from tracking.queries.stock_counts import HERE


@dataclass(frozen=True)
class Place:
    """The account that chips go to: its kind, who answers there, and the site; None for the site they come from."""

    kind: AccountKind
    organisation: int
    site: int | None


def move(
    filing: Filing[B],
    kind: MovementKind,
    *,
    chips: str,
    to: Place,
    transfer: Transfer | None,
    effective_at: datetime,
) -> int:
    """Take the chips of a temporary table (``chip_id``) from wherever each is to an account; returns how many.

    One movement for each account they leave. The chips, or the transfer they are in, are locked; RuntimeError when
    a chip has no holding or was moved meanwhile all the same. The accounts are shared with other movements, and not
    with a count of the site.
    """
    sources = _count_by_account(chips)
    if not sources:
        return 0
    _open_accounts(to, list(sources))
    movements = _record_movements(filing, kind, sources, to=to, transfer=transfer, effective_at=effective_at)
    under_way = transfer.pk if transfer is not None and to.kind == AccountKind.IN_TRANSIT else None
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH moved AS (
                    UPDATE tracking_holding holding
                    SET account_id = movement.target_id, movement_id = movement.id, transfer_id = %s, since = %s,
                        installed_at = NULL, taken_out_at = NULL, taken_out_before = NULL
                    FROM {chips} moving, tracking_movement movement
                    WHERE holding.chip_id = moving.chip_id AND movement.id = ANY(%s)
                      AND movement.source_id = holding.account_id
                    RETURNING holding.chip_id, movement.id)
                INSERT INTO tracking_movementline (chip_id, movement_id) SELECT chip_id, id FROM moved""",
            [under_way, effective_at, movements],
        )
        if cursor.rowcount != sum(sources.values()):
            raise RuntimeError(f"{cursor.rowcount} of {sum(sources.values())} chips were moved")
    return sum(sources.values())


def enter(filing: Filing[B], kind: MovementKind, *, to: Place, effective_at: datetime) -> int:
    """Bring the chips of the temporary table ``new_chips(chip_id, model_id)`` into the book; returns how many."""
    if to.site is None:
        raise ValueError("chips enter the book at a site")
    _open_accounts(to, [])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM new_chips")
        quantity = int(cursor.fetchone()[0])
        if not quantity:
            return 0
        cursor.execute(
            """INSERT INTO tracking_movement
                   (kind, statement_id, transfer_id, source_id, target_id, quantity, effective_at, recorded_at)
               SELECT %s, %s, NULL, NULL, id, %s, %s, %s FROM tracking_account
               WHERE kind = %s AND organisation_id = %s AND site_id = %s FOR SHARE RETURNING id, target_id""",
            [kind, filing.booked.pk, quantity, effective_at, filing.at, to.kind, to.organisation, to.site],
        )
        movement, account = cursor.fetchone()
        cursor.execute(
            "INSERT INTO tracking_movementline (chip_id, movement_id) SELECT chip_id, %s FROM new_chips",
            [movement],
        )
        lines = cursor.rowcount
        cursor.execute(
            """INSERT INTO tracking_holding
                   (chip_id, account_id, model_id, movement_id, transfer_id, since, installed_at)
               SELECT chip_id, %s, model_id, %s, NULL, %s, NULL FROM new_chips""",
            [account, movement, effective_at],
        )
        if not lines == cursor.rowcount == quantity:
            raise RuntimeError(f"{quantity} chips entered by {lines} lines and {cursor.rowcount} holdings")
    return quantity


def _count_by_account(chips: str) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT holding.account_id, count(*) FROM {chips} moving
                LEFT JOIN tracking_holding holding ON holding.chip_id = moving.chip_id GROUP BY holding.account_id"""
        )
        counts = dict(cursor.fetchall())
    if None in counts:
        raise RuntimeError(f"{counts[None]} chips to be moved are not in the book")
    return counts


def _open_accounts(to: Place, sources: list[int]) -> None:
    """Make the accounts that chips go to where there are none, in order of the site, so that nobody deadlocks.

    A site's first account that is counted waits for a count of it, as later movements wait at the account itself.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO tracking_account (kind, organisation_id, site_id)
               SELECT DISTINCT %(kind)s, %(organisation)s::bigint, wanted.site_id
               FROM (SELECT site_id FROM tracking_account WHERE id = ANY(%(sources)s) AND %(site)s::bigint IS NULL
                     UNION SELECT %(site)s::bigint) wanted
               WHERE wanted.site_id IS NOT NULL AND NOT EXISTS (
                   SELECT FROM tracking_account known WHERE known.kind = %(kind)s
                   AND known.organisation_id = %(organisation)s AND known.site_id = wanted.site_id)
               ORDER BY wanted.site_id ON CONFLICT DO NOTHING RETURNING site_id""",
            {"kind": to.kind, "organisation": to.organisation, "site": to.site, "sources": sources},
        )
        made = [int(row[0]) for row in cursor.fetchall()]
        if made and to.kind in HERE:
            cursor.execute("SELECT FROM registry_site WHERE id = ANY(%s) ORDER BY id FOR SHARE", [made])


def _record_movements(
    filing: Filing[B],
    kind: MovementKind,
    sources: dict[int, int],
    *,
    to: Place,
    transfer: Transfer | None,
    effective_at: datetime,
) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO tracking_movement
                   (kind, statement_id, transfer_id, source_id, target_id, quantity, effective_at, recorded_at)
               SELECT %s, %s, %s, source.id, target.id, taken.quantity, %s, %s
               FROM unnest(%s::bigint[], %s::bigint[]) AS taken(account_id, quantity)
               JOIN tracking_account source ON source.id = taken.account_id
               JOIN tracking_account target ON target.kind = %s AND target.organisation_id = %s
                AND target.site_id = coalesce(%s::bigint, source.site_id)
               ORDER BY source.id FOR SHARE OF source, target RETURNING id""",
            [
                kind,
                filing.booked.pk,
                None if transfer is None else transfer.pk,
                effective_at,
                filing.at,
                list(sources),
                list(sources.values()),
                to.kind,
                to.organisation,
                to.site,
            ],
        )
        movements = [int(row[0]) for row in cursor.fetchall()]
    if len(movements) != len(sources):
        raise RuntimeError(f"{len(movements)} movements were made for {len(sources)} accounts")
    return movements
