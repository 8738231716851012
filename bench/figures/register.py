"""Registering 100,000 chips: a manifest with a device key for each, verified, validated and booked by its job."""

from __future__ import annotations

import io
import secrets
import statistics
from collections.abc import Iterable
from time import perf_counter

from django.db import connection

from bench import worlds
from bench.consumption import MemoryWatch
from bench.databases import checkpoint
from bench.harness import Figure
from bench.limits.registering import copy_rows, finished_rows
from bench.worker import do_elsewhere
from chipledger import clock
from chipledger.manifests import Shape, summarise, write_canonical
from chipledger.statements.common import ManifestRef
from chipledger.statements.registry import ChipsCommissioned
from ledger import door, manifests
from registry.models import Chip, ChipModel
from tests.world import World
from tracking.models import Movement

MOST_MB = 400


class Registration:
    """From the submitted envelope to the finished job. Uploading the manifest comes before and is noted apart."""

    name = "register_100k"
    unit = "chips/s"
    target = 0.35
    more_is_better = True
    most_turns = 100

    def __init__(self, *, chips: int) -> None:
        self.chips = chips
        self._upload_seconds: list[float] = []

    def prepare(self) -> None:
        self._world = worlds.small_world()
        self._model = ChipModel.objects.get()
        self.product(-1)  # the first one also makes the account, and warms up
        self._movement = Movement.objects.order_by("-pk")[0]

    def product(self, turn: int) -> float:
        envelope = commission(self._world, upload(self._world, self.chips, seconds=self._upload_seconds))
        before = Chip.objects.count()
        checkpoint()
        start = perf_counter()
        self._world.send(envelope)
        seconds = perf_counter() - start
        if Chip.objects.count() - before != self.chips:
            raise RuntimeError("the job did not register every chip")
        return self.chips / seconds

    def limit(self, turn: int) -> float:
        chips = [
            (serial, worlds.P256_HEAD + secrets.token_bytes(64)) for serial in worlds.serials(self.chips)
        ]
        rows = finished_rows(
            chips,
            first=self._reserve_numbers(),
            maker=self._world.maker.organisation.pk,
            model=self._model.pk,
            account=self._movement.target_id,
            movement=self._movement.pk,
            statement=self._movement.statement_id,
            at=self._movement.recorded_at,
        )
        checkpoint()
        start = perf_counter()
        copy_rows(rows)
        return self.chips / (perf_counter() - start)

    def further(self) -> Iterable[Figure]:
        return ()

    def notes(self) -> dict[str, float]:
        return {
            "chips in the register at the end": Chip.objects.count(),
            "seconds to upload a manifest": statistics.median(self._upload_seconds),
        }

    def end(self) -> None:
        return None

    def _reserve_numbers(self) -> int:
        """The first of as many chip numbers as we need, taken from the sequence like everybody's."""
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT setval(sequence, nextval(sequence) + %s)
                   FROM pg_get_serial_sequence('registry_chip', 'id') sequence""",
                [self.chips],
            )
            return int(cursor.fetchone()[0]) - self.chips


class RegistrationMemory:
    """The most memory that any process takes while a manifest of the largest size is booked; the limit is a bound."""

    name = "register_1m_peak_mb"
    unit = "MB"
    target = 1.0
    more_is_better = False
    most_turns = 1

    def __init__(self, *, chips: int) -> None:
        self.chips = chips
        self._notes: dict[str, float] = {}

    def prepare(self) -> None:
        self._world = worlds.small_world()

    def product(self, turn: int) -> float:
        outcome = door.submit(commission(self._world, upload(self._world, self.chips, seconds=[])))
        if outcome.job is None:
            raise RuntimeError("a manifest was not left to a worker")
        start = perf_counter()
        with MemoryWatch() as memory:
            worker_mb = do_elsewhere(outcome.job.pk)
        self._notes = {
            "seconds": perf_counter() - start,
            "peak MB of the worker": worker_mb,
            "peak private MB of a database process": memory.backend_mb,
            "peak MB of a database process, shared buffers included": memory.mapped_mb,
        }
        return max(worker_mb, memory.backend_mb)

    def limit(self, turn: int) -> float:
        return MOST_MB

    def further(self) -> Iterable[Figure]:
        return ()

    def notes(self) -> dict[str, float]:
        return {"chips": Chip.objects.count(), **self._notes}

    def end(self) -> None:
        return None


def upload(world: World, chips: int, *, seconds: list[float]) -> ManifestRef:
    """Store a manifest of new chips with a device key each, as a maker's upload does; notes how long that took."""
    model = ChipModel.objects.get().code
    named = zip(worlds.serials(chips), worlds.key_texts(chips), strict=True)
    text = io.BytesIO()
    write_canonical(((model, serial, key) for serial, key in named), text, Shape.COMMISSION)
    secret = secrets.token_bytes(32)
    start = perf_counter()
    manifests.store_blob(world.maker.signer, [text.getvalue()], secret=secret, at=clock.now())
    seconds.append(perf_counter() - start)
    text.seek(0)
    summary = summarise(text, Shape.COMMISSION, secret)
    return ManifestRef(
        sha256=summary.sha256, size=summary.size, rows=summary.rows, rows_root=summary.rows_root
    )


def commission(world: World, manifest: ManifestRef) -> bytes:
    """The maker's envelope about the chips of a manifest."""
    return world.envelope(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)
