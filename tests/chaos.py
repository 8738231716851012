"""Chaos in a running house: clients file and retry, while processes and the database are killed at seeded moments."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from chipledger import base64s, merkle
from chipledger.manifests import Shape, summarise, write_canonical
from chipledger.notes import Checkpoint, NoteKey, verify_checkpoint
from chipledger.statements.common import ManifestRef
from chipledger.statements.registry import ChipsCommissioned, SiteDeclared
from config.processes import process_tree
from tests.house import House, Member, eventually
from tests.joining import place

RETRY_PAUSE = 0.1


@dataclass
class Client(threading.Thread):
    """Files one small statement after the other until told to stop, sending each again until it is acknowledged."""

    house: House
    member: Member
    name_of_codes: str
    acknowledged: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    troubles: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(name=self.name_of_codes, daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        while not self.stopping.is_set():
            code = f"{self.name_of_codes}-{len(self.acknowledged)}"
            raw = self.member.envelope(SiteDeclared, **place(code))
            self.file(raw)

    def file(self, raw: bytes) -> None:
        answer = keep_sending(self.house, self.member, raw, self.trouble)
        said = answer.json()
        if answer.status_code in (200, 201):
            self.acknowledged.append(said["digest"])
        else:
            self.refused.append(said["code"])
            self.stopping.set()

    def trouble(self) -> None:
        self.troubles += 1


def keep_sending(
    house: House, member: Member, raw: bytes, trouble: Callable[[], None] = lambda: None
) -> httpx.Response:
    """Send an envelope until somebody answers for it: a client loses connections and comes again after a 503."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            answer = house.send(member, raw)
        except httpx.HTTPError:
            answer = None
        if answer is not None and answer.status_code < 500:
            return answer
        trouble()
        time.sleep(RETRY_PAUSE)
    raise AssertionError("nobody answered for two minutes")


@dataclass
class Registration:
    """A long registration under way: its job, and the digest that was acknowledged."""

    job: str
    digest: str
    prefix: str
    rows: int


def register(house: House, maker: Member, prefix: str, rows: int) -> Registration:
    """Upload a batch without device keys and file its statement; acknowledged when this returns."""
    path = house.folder / f"{prefix}.csv"
    with path.open("w+b") as file:
        named = (("maker-h-h100", f"{prefix}{number:07d}", "") for number in range(rows))
        write_canonical(named, file, Shape.COMMISSION)
        file.seek(0)
        secret = hashlib.sha256(prefix.encode()).digest()
        summary = summarise(file, Shape.COMMISSION, secret)
    told = {"Content-Type": "text/csv", "Manifest-Secret": base64s.encode(secret)}
    raw = path.read_bytes()
    uploaded = eventually(
        lambda: again(lambda: house.api("POST", "/api/v1/manifests", by=maker, content=raw, headers=told)),
        "the upload",
    )
    assert uploaded.status_code == 201, uploaded.text
    reference = ManifestRef(
        sha256=summary.sha256, size=summary.size, rows=summary.rows, rows_root=summary.rows_root
    )
    envelope = maker.envelope(ChipsCommissioned, site="fab-h", manifest=reference)
    answer = keep_sending(house, maker, envelope)
    assert answer.status_code == 202, answer.text
    return Registration(answer.json()["job"], answer.json()["digest"], prefix, rows)


def again(send: Callable[[], httpx.Response]) -> httpx.Response | None:
    """The answer, or None where it has to be asked for again."""
    try:
        answer = send()
    except httpx.HTTPError:
        return None
    return answer if answer.status_code < 500 else None


class Killer:
    """Kills one thing at a time, by its process id, and starts again what compose would."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.chance = random.Random(seed)
        self.kills: list[str] = []

    def kill(self, what: str) -> None:
        self.house.note_pids()
        self.kills.append(what)
        getattr(self, f"_kill_{what}")()

    def pause(self, longest: float) -> None:
        time.sleep(self.chance.uniform(0.05, longest))

    def _kill_worker(self) -> None:
        self._kill_and_restart("worker")

    def _kill_integrator(self) -> None:
        self._kill_and_restart("integrator")

    def _kill_and_restart(self, name: str) -> None:
        os.kill(self.house.roots()[name], signal.SIGKILL)
        self.house.restart(name)

    def _kill_worker_child(self) -> None:
        self._kill_one_child("worker")

    def _kill_web_worker(self) -> None:
        self._kill_one_child("web")

    def _kill_one_child(self, name: str) -> None:
        """Its master starts another one."""
        children = process_tree(self.house.roots()[name])[1:]
        if children:
            os.kill(self.chance.choice(children), signal.SIGKILL)

    def _kill_postmaster(self) -> None:
        """The guardian starts it anew, and it recovers from its write-ahead log."""
        os.kill(postmaster(self.house), signal.SIGKILL)


def postmaster(house: House) -> int:
    """The PostgreSQL that the guardian runs now."""
    for pid in process_tree(house.services.guardian_pid)[1:]:
        try:
            argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if argv[0].endswith(b"/bin/postgres"):
            return pid
    raise AssertionError("the guardian runs no PostgreSQL")


def ask(house: House, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """As ``House.ask``, waiting while the database recovers."""
    return eventually(lambda: _try(lambda: house.ask(sql, *values)), "an answer of the database")


def _try(question: Callable[[], list[tuple[Any, ...]]]) -> list[tuple[Any, ...]] | None:
    import psycopg2

    try:
        return question()
    except psycopg2.OperationalError:
        return None


def wait_for_job(house: House, job: str, states: tuple[str, ...]) -> str:
    """The state of a job once it is one of these."""
    return eventually(
        lambda: next(
            (
                state
                for (state,) in ask(house, "SELECT state FROM jobs_job WHERE id = %s", job)
                if state in states
            ),
            None,
        ),
        f"the job's state {' or '.join(states)}",
        within=120,
    )


def newest_checkpoint(house: House) -> Checkpoint:
    """The checkpoint over HTTP, verified."""
    note = house.api("GET", "/api/v1/log/checkpoint").text
    return verify_checkpoint(note, [NoteKey.parse(house.vkey())])


def check_nothing_lost(
    house: House, clients: list[Client], registrations: list[Registration], before: Checkpoint
) -> None:
    """Everything acknowledged is booked exactly once, the log grew and never changed, and the book replays."""
    house.wait_until_logged()
    acknowledged = [digest for client in clients for digest in client.acknowledged]
    acknowledged += [registration.digest for registration in registrations]
    [(booked,)] = house.ask(
        "SELECT count(*) FROM ledger_statement WHERE encode(digest, 'hex') = ANY(%s)", acknowledged
    )
    assert booked == len(set(acknowledged)) == len(acknowledged)
    for registration in registrations:
        [(chips, held)] = house.ask(
            "SELECT count(*), count(holding.chip_id) FROM registry_chip chip"
            " LEFT JOIN tracking_holding holding ON holding.chip_id = chip.id WHERE chip.serial LIKE %s",
            f"{registration.prefix}%",
        )
        assert (chips, held) == (registration.rows, registration.rows)
    [(sites, declared)] = house.ask(
        "SELECT (SELECT count(*) FROM registry_site),"
        " (SELECT count(*) FROM ledger_statement WHERE kind = 'site.declared')"
    )
    assert sites == declared
    [(entries, last, statements)] = house.ask(
        "SELECT count(*), max(position), (SELECT count(*) FROM ledger_statement) FROM ledger_entry"
    )
    assert entries == last + 1 == statements
    check_grew(house, before)
    open_jobs = "SELECT id, kind, state FROM jobs_job WHERE state IN ('queued', 'running')"
    eventually(lambda: not house.ask(open_jobs), "the end of every job")
    assert house.differences() == []
    for path in (house.folder / "log").glob("integrator*.log"):
        assert "Forked" not in path.read_text()


def check_grew(house: House, before: Checkpoint) -> None:
    """The log of now extends the log of then."""
    after = newest_checkpoint(house)
    assert [(after.size,)] == house.ask("SELECT count(*) FROM ledger_entry")
    assert after.size > before.size
    asked = f"/api/v1/log/proof/consistency?old={before.size}&new={after.size}"
    proof = [base64s.decode(line, field="proof") for line in house.api("GET", asked).text.split()]
    merkle.verify_consistency(before.size, after.size, before.root, after.root, proof)
