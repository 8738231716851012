"""Words and documents beside a statement: kept apart from it, named in it by a salted hash, and erasable."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet, Sum

from chipledger.refusals import Refused
from ledger.manifests import in_parts
from ledger.models import Attachment, AttachmentPart, Signer, Statement

MAX_BYTES: Final = 10 * 2**20
MOST_UNNAMED: Final = 200 * 2**20
SALT_BYTES: Final = 32
UNNAMED_FOR: Final = timedelta(days=30)
"""No paper lives longer (design §2): what none has named by then none will."""
_UNFIT: Final = re.compile(r"[^\w .()+,@-]+")


@transaction.atomic
def keep(signer: Signer, chunks: Iterable[bytes], *, name: str, by: str, at: datetime) -> Attachment:
    """Keep a document for a statement to come, in bounded memory. ``by`` is the pseudonym of who sends it.

    Raises Refused `attachment_empty`, and `attachment_too_large` (413) above 10 MiB.
    """
    unnamed = (
        Attachment.objects.filter(signer=signer, statement=None).aggregate(size=Sum("size"))["size"] or 0
    )
    if unnamed >= MOST_UNNAMED:
        raise Refused(
            "too_many_unnamed",
            f"More than {MOST_UNNAMED // 2**20} MiB of attachments wait for a paper to name them. Sign or discard the "
            "papers they belong to; what none names is removed after 30 days.",
            field="attachments",
            status=409,
        )
    salt = secrets.token_bytes(SALT_BYTES)
    sha256 = hashlib.sha256(salt)
    kept = Attachment(
        signer=signer, salt=salt, name=plain_name(name), size=0, digest=salt, kept_at=at, kept_by=by
    )
    parts = []
    for number, content in enumerate(in_parts(chunks)):
        kept.size += len(content)
        if kept.size > MAX_BYTES:
            raise Refused(
                "attachment_too_large",
                f"An attachment has at most {MAX_BYTES // 2**20} MiB; send a smaller one.",
                field="attachments",
                value=kept.name,
                status=413,
            )
        sha256.update(content)
        parts.append(AttachmentPart(attachment=kept, part=number, content=content))
    if not kept.size:
        raise empty(kept.name)
    kept.digest = sha256.digest()
    kept.save(force_insert=True)
    AttachmentPart.objects.bulk_create(parts)
    return kept


def forget_unnamed(*, at: datetime) -> int:
    """Remove what no statement has named while one could, and say how many attachments that were."""
    old = Attachment.objects.filter(statement=None, kept_at__lt=at - UNNAMED_FOR)
    return old.delete()[1].get(Attachment._meta.label, 0)


def check_kept(signer: Signer, digests: Sequence[str]) -> None:
    """Refuse a statement that names what its signer has not uploaded, or what another statement names already."""
    held = _own(signer, digests).select_for_update().order_by("pk")
    kept = dict(held.values_list("digest", "statement"))
    for digest in digests:
        if bytes.fromhex(digest) not in {bytes(key) for key in kept}:
            raise Refused(
                "attachment_missing",
                "Upload the attachment before the statement that names it.",
                field="attachments",
                value=digest,
                status=409,
            )
    if any(statement is not None for statement in kept.values()):
        raise Refused(
            "attachment_named",
            "Another statement names this attachment already; upload it again for this one.",
            field="attachments",
            status=409,
        )


def attach(signer: Signer, digests: Sequence[str], *, to: Statement) -> None:
    """Tie the attachments to the statement that names them."""
    tied = _own(signer, digests).filter(statement=None).update(statement=to)
    if tied != len(digests):
        raise RuntimeError(f"tied {tied} of {len(digests)} attachments")


def content_of(attachment: Attachment) -> Iterator[bytes]:
    """The document, piece by piece."""
    for content in attachment.parts.order_by("part").values_list("content", flat=True).iterator(chunk_size=4):
        yield bytes(content)


def plain_name(name: str) -> str:
    """A name that is safe in a header, on a page and on a disk; what its sender called it, as far as it is plain."""
    plain = _UNFIT.sub("_", name.rpartition("/")[2].rpartition("\\")[2]).strip(" .")
    return plain[-120:] or "attachment"


def empty(name: str | None = None) -> Refused:
    """The refusal of a document without content."""
    return Refused(
        "attachment_empty",
        "There is nothing in this attachment; send one with content.",
        field="attachments",
        value=name,
    )


def _own(signer: Signer, digests: Sequence[str]) -> QuerySet[Attachment]:
    return Attachment.objects.filter(signer=signer, digest__in=[bytes.fromhex(each) for each in digests])
