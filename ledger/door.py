"""The one way into the book. Pages, API, command, simulator and tests all submit envelopes here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

from django.db import connection, transaction
from django.db.models import Func, Value

from chipledger import clock
from chipledger.dsse import Envelope, parse_envelope
from chipledger.entries import encode_commitment, encode_full, is_logged_in_full
from chipledger.refusals import Refused
from chipledger.statements import parse_payload
from chipledger.statements.common import ManifestRef
from chipledger.statements.common import Statement as Body
from chipledger.statements.ledger import LedgerFounded
from jobs.models import Job
from ledger import genesis
from ledger.authority import check_may_sign
from ledger.deadlocks import try_again
from ledger.handlers import FOLLOWERS, HANDLERS, Filing, Progress, Reject, Verdict, rows_refused
from ledger.keys import check_signatures, check_times, load_keys, lock_signer
from ledger.models import Blob, Key, PendingEntry, Statement
from ledger.signatures import to_rows
from ledger.signing_policies import check_passkeys

EXCLUSIVE = frozenset({"key.added", "key.rotated", "key.revoked", "signing_policy.adopted"})
"""Kinds that change who may sign and how, and therefore lock the signer for themselves."""

Check = Callable[[Body], None]


class State(StrEnum):
    ACCEPTED = "accepted"
    QUEUED = "queued"


@dataclass(frozen=True)
class Outcome:
    """What became of an envelope: booked as a statement, or acknowledged and waiting as a job.

    ``known`` is true when the very same statement had been acknowledged before: nothing happened this time.
    """

    digest: bytes
    kind: str
    state: State
    known: bool
    statement: Statement | None = None
    job: Job | None = None

    @property
    def verdict(self) -> Verdict:
        return self.statement.verdict if self.statement is not None else {}


@dataclass(frozen=True)
class Paper:
    """An envelope that was read strictly, with its payload parsed; nothing is verified yet."""

    raw: bytes
    envelope: Envelope
    body: Body

    @property
    def manifest(self) -> ManifestRef | None:
        return getattr(self.body, "manifest", None)


class Rejections:
    """Passes every refused row on and counts it, so that a statement with one bad row among a million books nothing."""

    def __init__(self, reject: Reject) -> None:
        self.count = 0
        self._reject = reject

    def __call__(self, refused: Refused) -> None:
        self.count += 1
        self._reject(refused)

    def check(self) -> None:
        """Refuse the statement when one of its rows was refused."""
        if self.count:
            raise rows_refused(self.count)


def read(raw: bytes) -> Paper:
    """Parse an envelope and its payload, or refuse them with the member at fault."""
    envelope = parse_envelope(raw)
    return Paper(raw, envelope, parse_payload(envelope.payload))


def submit(raw: bytes, *, check: Check | None = None) -> Outcome:
    """Take one envelope in: book it, or acknowledge it for a worker when it names a manifest. Idempotent.

    ``check`` may refuse what its bearer may not hand in, before anything else is looked at.
    """
    return _take_in(_read_checked(raw, check))


def submit_many(
    raws: Sequence[bytes], *, atomic: bool, check: Check | None = None
) -> list[Outcome | Refused]:
    """Take several envelopes in, in order; each has its own verdict, or none is booked when one is refused.

    When PostgreSQL breaks a deadlock at our cost, the whole batch is tried again: its locks went with it.
    """
    papers: list[Paper | Refused] = []
    for raw in raws:
        try:
            papers.append(_read_checked(raw, check))
        except Refused as refused:
            papers.append(refused)
    return try_again(partial(_submit_once, papers, atomic))


def _read_checked(raw: bytes, check: Check | None) -> Paper:
    paper = read(raw)
    if check is not None:
        check(paper.body)
    return paper


def _submit_once(papers: Sequence[Paper | Refused], atomic: bool) -> list[Outcome | Refused]:
    outcomes: list[Outcome | Refused] = []
    with transaction.atomic():
        # In one order for everybody, so that two batches with the same statements do not lock each other out.
        for digest in sorted(paper.envelope.digest for paper in papers if isinstance(paper, Paper)):
            queue_behind_the_same(digest)
        for place, paper in enumerate(papers):
            try:
                if isinstance(paper, Refused):
                    raise paper
                if atomic and paper.manifest is not None:
                    raise Refused(
                        "manifest_in_atomic_batch",
                        "What names a manifest is decided later, and so cannot be part of all or none; send it by "
                        "itself.",
                        field="manifest",
                    )
                with transaction.atomic():
                    outcomes.append(_take_in(paper))
            except Refused as refused:
                if atomic:
                    raise _in_batch(refused, place) from None
                outcomes.append(refused)
    return outcomes


def _in_batch(refused: Refused, place: int) -> Refused:
    """The same refusal, naming the envelope at fault (counted from 0)."""
    field = f"envelopes.{place}" + (f".{refused.field}" if refused.field else "")
    return Refused(
        refused.code,
        refused.sentence,
        row=refused.row,
        field=field,
        value=refused.value,
        status=refused.status,
    )


def _take_in(paper: Paper) -> Outcome:
    from ledger import inbox

    if (known := find_known(paper)) is not None:
        return known
    if paper.manifest is not None:
        return inbox.acknowledge(paper)
    return book(paper)


def find_known(paper: Paper) -> Outcome | None:
    """The outcome of a statement that was booked before, whoever sends it again and with whichever signatures."""
    statement = Statement.objects.filter(digest=paper.envelope.digest).first()
    if statement is None:
        return None
    return Outcome(paper.envelope.digest, statement.kind, State.ACCEPTED, known=True, statement=statement)


def verify(paper: Paper, *, at: datetime) -> list[Key]:
    """Check times, keys, every signature and the authority of the signer; changes nothing."""
    check_times(paper.body, at=at)
    keys = load_keys(paper.body)
    check_signatures(paper.envelope, genesis.with_new_key(paper.body, keys))
    check_may_sign(paper.body.kind, signer=keys[0].signer, keys=keys)
    if paper.body.previous is not None and not HANDLERS[paper.body.kind].looks_at_previous:
        raise Refused(
            "previous_not_used",
            "This kind of statement builds on no earlier state; leave `previous` out.",
            field="previous",
        )
    return keys


def book(
    paper: Paper,
    *,
    acknowledged_at: datetime | None = None,
    blob: Blob | None = None,
    progress: Progress | None = None,
    reject: Reject | None = None,
) -> Outcome:
    """Verify a statement and book it in one transaction, or refuse it and leave nothing behind.

    ``blob`` is the manifest as it was when the statement was acknowledged, whatever was uploaded since.

    Its times are judged as of ``acknowledged_at``, when that was earlier than now; its keys as of now. When PostgreSQL
    breaks a deadlock at our cost, it is tried again.
    """
    return try_again(partial(_book_once, paper, acknowledged_at, blob, progress, reject))


def _book_once(
    paper: Paper,
    acknowledged_at: datetime | None,
    blob: Blob | None,
    progress: Progress | None,
    reject: Reject | None,
) -> Outcome:
    at = now()
    if isinstance(paper.body, LedgerFounded):
        return _found(paper, paper.body, at=at)
    keys = verify(paper, at=acknowledged_at or at)
    with transaction.atomic():
        queue_behind_the_same(paper.envelope.digest)
        if (known := find_known(paper)) is not None:
            return known
        signer = lock_signer(keys, exclusive=paper.body.kind in EXCLUSIVE)
        check_passkeys(paper.envelope, signer)
        filing = Filing(paper.body, paper.envelope.digest, signer, keys, at)
        if progress is not None:
            filing.progress = progress
        rejections = Rejections(reject) if reject is not None else None
        if rejections is not None:
            filing.reject = rejections
        if paper.manifest is not None:
            from ledger import manifests

            filing.blob = blob or manifests.find_blob(signer, paper.manifest)
        handler = HANDLERS[paper.body.kind]
        handler.stage(filing)
        verdict = handler.judge(filing)
        if rejections is not None:
            rejections.check()
        filing.statement = record(paper, filing, verdict)
        handler.apply(filing, verdict)
        follow(filing)
        append_pending(paper, filing.statement)
        return Outcome(
            filing.digest, paper.body.kind, State.ACCEPTED, known=False, statement=filing.statement
        )


def now() -> datetime:
    """The present instant to the millisecond, which is what the log commits to."""
    instant = clock.now()
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def record(paper: Paper, filing: Filing[Body], verdict: Verdict) -> Statement:
    """Write the statement row: payload byte for byte, signatures, verdict.

    A payload was read as UTF-8 text; as text it reaches the server in half the bytes that a bytea literal takes.
    """
    payload = paper.envelope.payload
    statement = Statement(
        digest=filing.digest,
        kind=paper.body.kind,
        signer=filing.signer,
        payload=Func(Value(payload.decode()), Value("UTF8"), function="convert_to"),
        signatures=to_rows(paper.envelope.signatures),
        keys=[key.pk for key in filing.keys],
        verdict=verdict,
        accepted_at=filing.at,
    )
    statement.save(force_insert=True)
    statement.payload = payload
    return statement


def append_pending(paper: Paper, statement: Statement) -> None:
    """Queue the log entry, as the last thing before the commit, so that its id is drawn after all locks."""
    digest, at = paper.envelope.digest, statement.accepted_at
    full = is_logged_in_full(statement.kind)
    data = encode_full(digest, at, paper.raw) if full else encode_commitment(digest, at)
    PendingEntry.objects.create(statement=statement, data=data)


def follow(filing: Filing[Body]) -> None:
    """Let higher rooms add what they keep about a statement of a lower one."""
    for follower in FOLLOWERS.get(filing.body.kind, ()):
        follower(filing)


def queue_behind_the_same(digest: bytes) -> None:
    """Two copies of one statement that arrive at once are booked one after the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(digest[:8], "big", signed=True)])


def _found(paper: Paper, body: LedgerFounded, *, at: datetime) -> Outcome:
    with transaction.atomic():
        filing = genesis.found(paper.envelope, body, at=at)
        verdict: Verdict = {}
        filing.statement = record(paper, filing, verdict)
        HANDLERS[paper.body.kind].apply(filing, verdict)
        follow(filing)
        append_pending(paper, filing.statement)
    return Outcome(filing.digest, paper.body.kind, State.ACCEPTED, known=False, statement=filing.statement)
