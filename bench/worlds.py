"""Base data for measurements: a founded log with a few parties through the door, and large registers set-based.

What is written here goes around the door, because it only has to be there before the clock starts.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

from django.db import connection

from chipledger import base64s
from chipledger.keys import Algorithm, PrivateKey
from tests.world import World

P256_HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
"""What every SubjectPublicKeyInfo of a P-256 key begins with."""


def small_world() -> World:
    """A founded log with a maker, its model and fab, and two operators with sites."""
    world = World()
    world.found()
    world.populate()
    return world


def new_keys(count: int) -> list[PrivateKey]:
    """Device keys of chips."""
    return [PrivateKey.generate(Algorithm.P256) for _ in range(count)]


def key_texts(count: int) -> Iterator[str]:
    """Device keys as manifests carry them, made one by one: a million of them need not be held at once."""
    for _ in range(count):
        yield base64s.encode(PrivateKey.generate(Algorithm.P256).public.spki)


def serials(count: int) -> list[str]:
    """Serials that no earlier turn has used."""
    lot = secrets.token_hex(4).upper()
    return [f"{lot}-{number:07}" for number in range(count)]


def give_chips(
    world: World, names: Sequence[str], keys: Sequence[bytes] | None = None, *, holder: str, site: str
) -> None:
    """Put new chips of the world's maker on the hand of a holder at a site; ``keys`` are SubjectPublicKeyInfo DER."""
    spkis = keys or [P256_HEAD + secrets.token_bytes(64) for _ in names]
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO tracking_account (kind, organisation_id, site_id)
               SELECT 'on_hand', signer.id, site.id FROM ledger_signer signer, registry_site site
               WHERE signer.handle = %s AND site.code = %s ON CONFLICT DO NOTHING""",
            [holder, site],
        )
        cursor.execute(
            """WITH arrival AS (
                   INSERT INTO tracking_movement (kind, statement_id, target_id, quantity, effective_at, recorded_at)
                   SELECT 'opened', (SELECT max(id) FROM ledger_statement), account.id, %(quantity)s, now(), now()
                   FROM tracking_account account
                   JOIN ledger_signer signer ON signer.id = account.organisation_id
                   JOIN registry_site site ON site.id = account.site_id
                   WHERE account.kind = 'on_hand' AND signer.handle = %(holder)s AND site.code = %(site)s
                   RETURNING id, target_id, statement_id
               ), born AS (
                   INSERT INTO registry_chip (maker_id, serial, model_id, device_key, statement_id)
                   SELECT maker.id, named.serial, model.id, named.key, arrival.statement_id
                   FROM unnest(%(serials)s::text[], %(keys)s::bytea[]) WITH ORDINALITY AS named (serial, key, place)
                   JOIN ledger_signer maker ON maker.handle = %(maker)s
                   JOIN registry_chipmodel model ON model.maker_id = maker.id
                   CROSS JOIN arrival ORDER BY named.place RETURNING id, model_id
               ), line AS (
                   INSERT INTO tracking_movementline (chip_id, movement_id)
                   SELECT born.id, arrival.id FROM born, arrival
               )
               INSERT INTO tracking_holding (chip_id, account_id, model_id, movement_id, since)
               SELECT born.id, arrival.target_id, born.model_id, arrival.id, now() FROM born, arrival""",
            {
                "quantity": len(names),
                "holder": holder,
                "site": site,
                "maker": world.maker.handle,
                "serials": list(names),
                "keys": list(spkis),
            },
        )
    settle()


def settle() -> None:
    """What autovacuum would have done by now."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
