"""Writing the silicon, set-based. Only handlers call these, so that every change has a statement behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection

from attestations.models import IdentityGrade, Outage, PlaceGrade, TamperSign
from attestations.nonces import nonce_used, token_hash
from chipledger.statements.attestations import OutageDeclared
from ledger.models import Statement
from registry.models import Site

Booked = tuple[str, int, str]
"""Chip (``maker/serial``), sequence number and hex SHA-256 of the claims of an accepted item."""


def use_nonce(token: str, *, by: Statement, at: datetime) -> None:
    """Use a nonce up. Refused `nonce_used` when another batch, perhaps in this very instant, did so before."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO attestations_usednonce (token_sha256, statement_id, used_at) VALUES (%s, %s, %s)
               ON CONFLICT DO NOTHING""",
            [token_hash(token), by.pk, at],
        )
        if cursor.rowcount != 1:
            raise nonce_used()


def record_conflicts(
    conflicts: Mapping[TamperSign, Sequence[str]], *, site: str, by: Statement, at: datetime
) -> None:
    """Keep what chips contradict. It comes before :func:`record_sightings`: the last sighting is the other side."""
    rows = [(*chip.split("/", 1), str(sign)) for sign, chips in conflicts.items() for chip in chips]
    if not rows:
        return
    makers, serials, signs = (list(column) for column in zip(*rows, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO attestations_conflict
                      (chip_id, sign, site_id, other_site_id, seen_at, other_seen_at, statement_id)
               SELECT chip.id, named.sign, here.id, last.site_id, %s, last.seen_at, %s
               FROM unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS named (maker, serial, sign, place)
               JOIN ledger_signer signer ON signer.handle = named.maker
               JOIN registry_chip chip ON chip.maker_id = signer.id AND chip.serial = named.serial
               JOIN attestations_sighting last ON last.chip_id = chip.id AND last.identity = %s
               JOIN registry_site here ON here.code = %s
               ORDER BY named.place""",
            [at, by.pk, makers, serials, signs, IdentityGrade.HARDWARE, site],
        )
        _check_count(cursor.rowcount, len(rows))


def record_sightings(
    booked: Sequence[Booked], *, site: str, gap_hours: float, by: Statement, at: datetime
) -> None:
    """Make this the latest hardware evidence of each chip, and close the stay that it ends.

    A stay ends when the chip is at another site, or was silent for more than ``gap_hours``. Batches may be booked in
    another order than they were accepted at the door, so that no time here ever runs backwards.
    """
    if not booked:
        return
    makers, serials = zip(*(chip.split("/", 1) for chip, _, _ in booked), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH item AS MATERIALIZED (
                   SELECT chip.id AS chip_id, here.id AS site_id, named.seq, decode(named.digest, 'hex') AS digest,
                          greatest(%(at)s, last.seen_at) AS seen_at, last.present_since,
                          last.site_id AS last_site_id, last.seen_at AS last_seen_at,
                          last.site_id <> here.id OR %(at)s - last.seen_at > make_interval(secs => %(gap)s) AS ends_stay
                   FROM unnest(%(makers)s::text[], %(serials)s::text[], %(seqs)s::bigint[], %(digests)s::text[])
                        AS named (maker, serial, seq, digest)
                   JOIN ledger_signer signer ON signer.handle = named.maker
                   JOIN registry_chip chip ON chip.maker_id = signer.id AND chip.serial = named.serial
                   JOIN registry_site here ON here.code = %(site)s
                   LEFT JOIN attestations_sighting last ON last.chip_id = chip.id AND last.identity = %(identity)s
               ), closed AS (
                   INSERT INTO attestations_presence (chip_id, site_id, began_at, ended_at)
                   SELECT chip_id, last_site_id, present_since, last_seen_at FROM item WHERE ends_stay ORDER BY chip_id
               )
               INSERT INTO attestations_sighting AS sighting
                      (chip_id, identity, place, site_id, seen_at, present_since, seq, claims_sha256, statement_id)
               SELECT chip_id, %(identity)s, %(place)s, site_id, seen_at,
                      CASE WHEN ends_stay IS FALSE THEN present_since ELSE seen_at END, seq, digest, %(statement)s
               FROM item ORDER BY chip_id
               ON CONFLICT (chip_id, identity) DO UPDATE
                  SET place = excluded.place, site_id = excluded.site_id, seen_at = excluded.seen_at,
                      present_since = excluded.present_since, seq = excluded.seq,
                      claims_sha256 = excluded.claims_sha256, statement_id = excluded.statement_id""",
            {
                "makers": list(makers),
                "serials": list(serials),
                "seqs": [seq for _, seq, _ in booked],
                "digests": [digest for _, _, digest in booked],
                "site": site,
                "at": at,
                "gap": gap_hours * 3600,
                "identity": IdentityGrade.HARDWARE,
                "place": PlaceGrade.GATEWAY,
                "statement": by.pk,
            },
        )
        _check_count(cursor.rowcount, len(booked))


def declare_outage(outage: OutageDeclared, *, by: Statement, organisation_id: int) -> Outage:
    """Keep the silence that an operator announced for its site."""
    return Outage.objects.create(
        site=Site.objects.get(code=outage.site),
        organisation_id=organisation_id,
        begins_at=outage.begins_at,
        ends_at=outage.ends_at,
        reason=outage.reason,
        statement=by,
    )


def _check_count(written: int, expected: int) -> None:
    if written != expected:
        raise RuntimeError(f"{written} rows were written where {expected} were judged")
