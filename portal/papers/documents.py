"""Papers of drafts and of booked statements, ready for the page."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse

from chipledger import merkle
from chipledger.statements import parse_payload
from ledger import log
from ledger.models import Checkpoint, Entry, Key, KeyPurpose, Statement
from portal.models import Draft
from portal.papers.wording import Words
from portal.papers.words import describe
from web.components import Fact, Paper, Proof, SignatureMark

SHOWN_CHIPS = 64


def draft_paper(draft: Draft) -> Paper:
    """What is to be signed: its words, and its exact bytes."""
    payload = bytes(draft.payload)
    body = parse_payload(payload)
    words = describe(body)
    notes = tuple(Fact(str(term), str(text)) for term, text in draft.notes.items())
    return _paper(words, draft.kind, payload, issued_at=body.issued_at, facts=(*notes, *words.facts))


def statement_paper(statement: Statement, *, with_path: bool = False) -> Paper:
    """A booked statement with its signatures and its place in the log; ``with_path`` proves it down to the root."""
    return statement_papers([statement], with_path=with_path)[0]


def statement_papers(statements: Sequence[Statement], *, with_path: bool = False) -> list[Paper]:
    """Papers of booked statements, in a fixed number of queries unless the paths are wanted."""
    checkpoint = log.latest_checkpoint()
    entries = {entry.statement_id: entry for entry in Entry.objects.filter(statement__in=statements)}
    numbers = {number for statement in statements for number in statement.keys}
    keys = {key.pk: key for key in Key.objects.select_related("signer").filter(pk__in=numbers)}
    return [
        _booked(statement, entries.get(statement.pk), checkpoint, keys, with_path=with_path)
        for statement in statements
    ]


def positions_of(numbers: Sequence[int]) -> dict[int, int]:
    """The places in the log of these statements, by their row number."""
    return dict(Entry.objects.filter(statement_id__in=numbers).values_list("statement_id", "position"))


def _booked(
    statement: Statement,
    entry: Entry | None,
    checkpoint: Checkpoint | None,
    keys: dict[int, Key],
    *,
    with_path: bool,
) -> Paper:
    payload = bytes(statement.payload)
    body = parse_payload(payload)
    digest = bytes(statement.digest).hex()
    return _paper(
        describe(body),
        statement.kind,
        payload,
        issued_at=body.issued_at,
        accepted_at=statement.accepted_at,
        digest=digest,
        url=reverse("statement", args=[digest]),
        signatures=tuple(_mark(keys[number]) for number in statement.keys if number in keys),
        proof=_proof(entry, checkpoint, digest, with_path=with_path),
    )


def _paper(words: Words, kind: str, payload: bytes, **given: object) -> Paper:
    members: dict[str, object] = {"facts": words.facts} | given
    return Paper(
        words.title,
        kind,
        words.sentence,
        payload,
        chips=words.chips[:SHOWN_CHIPS],
        chips_total=words.total,
        **members,  # type: ignore[arg-type] # the callers above name fields of Paper
    )


def _mark(key: Key) -> SignatureMark:
    algorithm = f"{key.algorithm}, passkey" if key.purpose == KeyPurpose.PASSKEY else key.algorithm
    person = f"person {key.person[:8]}" if key.person else ""
    return SignatureMark(key.signer.handle, key.key_id, algorithm, person)


def _proof(
    entry: Entry | None, checkpoint: Checkpoint | None, digest: str, *, with_path: bool
) -> Proof | None:
    if entry is None or checkpoint is None or entry.position >= checkpoint.size:
        return None
    path: tuple[str, ...] = ()
    if with_path:
        nodes = merkle.inclusion_proof(log.nodes(checkpoint.size), entry.position, checkpoint.size)
        path = tuple(node.hex() for node in nodes)
    return Proof(
        origin=log.origin(),
        position=entry.position,
        tree_size=checkpoint.size,
        root_hash=bytes(checkpoint.root).hex(),
        leaf_hash=bytes(entry.leaf_hash).hex(),
        path=path,
        bundle_url=reverse("statement-bundle", args=[digest]),
        checkpoint_url=reverse("log-checkpoint"),
    )
