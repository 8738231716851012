"""The durable inbox: an envelope that names a manifest is acknowledged at once, and a worker books it."""

from __future__ import annotations

from django.db import transaction

from jobs.actions import enqueue
from jobs.models import OPEN_STATES
from jobs.runners import Work, runs
from ledger import door, manifests
from ledger.keys import lock_signer
from ledger.models import InboxItem


def acknowledge(paper: door.Paper) -> door.Outcome:
    """Verify what can be verified now, and write the envelope down for a worker; the answer is a job."""
    if paper.manifest is None:
        raise ValueError("only envelopes that name a manifest wait in the inbox")
    at = door.now()
    keys = door.verify(paper, at=at)
    blob = manifests.find_blob(keys[0].signer, paper.manifest)
    digest = paper.envelope.digest
    with transaction.atomic():
        door.queue_behind_the_same(digest)
        lock_signer(keys, exclusive=False)
        waiting = (
            InboxItem.objects.select_related("job").filter(digest=digest, job__state__in=OPEN_STATES).first()
        )
        if waiting is not None:
            return door.Outcome(digest, paper.body.kind, door.State.QUEUED, known=True, job=waiting.job)
        job = enqueue(
            "ledger.book",
            scope=keys[0].signer.handle,
            asked_by=paper.body.signers[0].person or "",
            arguments={"digest": digest.hex()},
        )
        InboxItem.objects.create(
            digest=digest, envelope=paper.raw, signer=keys[0].signer, blob=blob, job=job, received_at=at
        )
    return door.Outcome(digest, paper.body.kind, door.State.QUEUED, known=False, job=job)


@runs("ledger.book")
def book_from_inbox(work: Work) -> dict[str, object]:
    """Take a waiting envelope through the door. Doing it twice books it once."""
    item = InboxItem.objects.select_related("blob").get(job=work.job)
    paper = door.read(bytes(item.envelope))
    work.say(f"Booking {paper.body.kind} {item.digest.hex()}")
    outcome = door.find_known(paper) or door.book(
        paper,
        acknowledged_at=item.received_at,
        blob=item.blob,
        progress=work.progress,
        reject=work.rejections.add,
    )
    return {"digest": outcome.digest.hex(), "kind": outcome.kind, "verdict": outcome.verdict}
