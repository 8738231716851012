"""The log: contiguous positions, tiles, proofs and receipts, and that a forked database is not signed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.test import Client

from chipledger import merkle
from chipledger.dsse import parse_envelope
from chipledger.keys import Algorithm, PrivateKey
from chipledger.notes import verify_checkpoint
from chipledger.receipts import verify_receipt
from chipledger.statements.common import KeyGrant
from chipledger.statements.ledger import KeyRevoked
from chipledger.statements.registry import SiteDeclared
from chipledger.tiles import parse_bundle
from chipledger.verification import verify_bundle
from ledger import door, integrator, log
from ledger.bundles import bundle_of
from ledger.log_key import note_key
from ledger.models import Checkpoint, Entry, PendingEntry, Statement, Tile
from tests.world import World

pytestmark = pytest.mark.django_db


def fill(count: int, *, story: str = "one") -> None:
    """Statements of no meaning, as many as a test of the tree needs."""
    first = Statement.objects.count()
    statements = Statement.objects.bulk_create(
        [
            Statement(
                digest=hashlib.sha256(f"{story} {first} {number}".encode()).digest(),
                kind="outage.declared",
                payload=b"{}",
                signatures=[],
                accepted_at=door.now(),
            )
            for number in range(count)
        ]
    )
    PendingEntry.objects.bulk_create(
        [PendingEntry(statement=each, data=b"\x01" + bytes(each.digest) + bytes(8)) for each in statements]
    )


def integrate_all() -> Checkpoint:
    while integrator.integrate():
        pass
    newest = log.latest_checkpoint()
    assert newest is not None
    return newest


def test_pending_statements_get_contiguous_positions(world: World) -> None:
    newest = integrate_all()
    assert newest.size == Statement.objects.count()
    assert list(Entry.objects.order_by("position").values_list("position", flat=True)) == list(
        range(newest.size)
    )
    assert not PendingEntry.objects.exists()


def test_the_root_is_that_of_all_entries_whatever_the_steps(founded: World) -> None:
    for count in (3, 250, 4, 300, 1):
        fill(count)
        newest = integrate_all()
        leaves = [
            bytes(each) for each in Entry.objects.order_by("position").values_list("leaf_hash", flat=True)
        ]
        assert bytes(newest.root) == merkle.root_of(leaves)


def test_full_tiles_are_kept_and_partial_ones_served(founded: World, client: Client) -> None:
    fill(70_000)
    newest = integrate_all()
    assert Tile.objects.filter(level=0).count() == newest.size // 256
    assert Tile.objects.filter(level=1).count() == newest.size // 65_536
    note = client.get("/log/checkpoint").content.decode()
    assert verify_checkpoint(note, [note_key()]).size == newest.size
    full = client.get("/log/tile/0/000").content
    assert len(full) == 256 * 32
    width = (newest.size >> 8) % 256
    partial = client.get(f"/log/tile/1/001.p/{width}")
    assert len(partial.content) == 32 * width
    bundle = parse_bundle(client.get("/log/tile/entries/000").content)
    assert b"".join(merkle.leaf_hash(entry) for entry in bundle) == full


@pytest.mark.parametrize(
    "path",
    [
        "0/001",
        "0/000.p/0",
        "0/000.p/255",
        "1/000.p/1",
        "entries/x001/000",
        "0/0",
        "0/-01",
        "64/000",
        "0/000.p/256",
    ],
)
def test_tiles_that_do_not_exist_are_404(founded: World, client: Client, path: str) -> None:
    integrate_all()
    assert client.get(f"/log/tile/{path}").status_code == 404


def test_a_receipt_proves_its_statement(world: World) -> None:
    integrate_all()
    statement = Statement.objects.get(kind="model.published")
    receipt = log.receipt_of(statement)
    assert receipt is not None
    verify_receipt(receipt, bytes(statement.entry.data), [note_key()])


def test_every_bundle_verifies_offline(world: World) -> None:
    integrate_all()
    for statement in Statement.objects.all():
        report = verify_bundle(bundle_of([statement]).to_json(), trusted_vkey=note_key().vkey)
        assert [each.digest for each in report.statements] == [bytes(statement.digest).hex()]


def test_old_and_new_checkpoints_are_consistent(founded: World) -> None:
    old = integrate_all()
    fill(300)
    new = integrate_all()
    proof = log.consistency(old.size, new.size)
    merkle.verify_consistency(old.size, new.size, bytes(old.root), bytes(new.root), proof)


def test_a_database_older_than_its_published_checkpoint_is_not_signed(founded: World) -> None:
    fill(10)
    integrate_all()
    copy = Path(settings.CHECKPOINT_COPY)
    ahead = copy.read_text()
    with transaction.atomic():
        fill(5)
        integrator.integrate()
        ahead = copy.read_text()
        transaction.set_rollback(True)
    copy.write_text(ahead)
    with pytest.raises(integrator.Forked, match="old backup"):
        integrator.integrate()


def test_a_database_with_another_history_is_not_signed(founded: World) -> None:
    integrate_all()
    with transaction.atomic():
        fill(5)
        integrator.integrate()
        ahead = Path(settings.CHECKPOINT_COPY).read_text()
        transaction.set_rollback(True)
    fill(6, story="another")
    Path(settings.CHECKPOINT_COPY).unlink()
    integrate_all()
    Path(settings.CHECKPOINT_COPY).write_text(ahead)
    with pytest.raises(integrator.Forked, match="another log"):
        integrator.integrate()


@pytest.mark.parametrize("table", ["ledger_statement", "ledger_entry", "ledger_checkpoint"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET {} = {}", "TRUNCATE {} CASCADE"])
def test_the_database_refuses_to_change_history(founded: World, table: str, change: str) -> None:
    integrate_all()
    column = {"ledger_statement": "kind", "ledger_entry": "data", "ledger_checkpoint": "note"}[table]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
            cursor.execute(change.format(table, column, column))


def test_a_bundle_tells_that_a_key_ended_after_it_signed(world: World) -> None:
    new = PrivateKey.generate(Algorithm.P256)
    grant = KeyGrant(spki=new.public.base64, purpose="statement", role="signatory")
    world.add_key(world.operator, grant, also=[new])
    place = {"country": "US", "latitude_e7": 1, "longitude_e7": 2, "power_kw": 3, "slots": 4}
    signed = world.submit(SiteDeclared, by=world.operator, key=new, code="dc-9", name="Nine", **place)
    fields = {"key": new.public.key_id, "reason": "lost"}
    revoked = world.send(world.envelope_of(KeyRevoked, by=world.operator, fields=fields))
    integrate_all()
    assert signed.statement is not None
    bundle = bundle_of([signed.statement])
    assert revoked.digest in {parse_envelope(record.source.envelope).digest for record in bundle.keys}
    verify_bundle(bundle.to_json(), trusted_vkey=note_key().vkey)
