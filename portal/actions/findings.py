"""The paper that explains a finding, with what lies beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from audits.models import Finding
from ledger import attachments
from ledger.models import Key
from portal.actions.drafts import prepare_draft
from portal.models import Draft
from portal.queries.explanations import WORDS
from registry.access import Reader, check_role
from registry.models import Role


@transaction.atomic
def prepare_explanation(
    finding: Finding,
    *,
    root_cause: str,
    words: str,
    files: Sequence[UploadedFile[bytes]],
    keys: Sequence[Key],
    by: Reader,
    at: datetime,
) -> Draft:
    """Keep words and documents, then freeze the paper that names them; when either is refused, nothing is kept."""
    check_role(by, Role.PREPARER)
    fields: dict[str, object] = {"finding": finding.uid.hex, "root_cause": root_cause}
    signer = by.organisation.signer
    if words:
        kept = attachments.keep(signer, [words.encode()], name=WORDS, by=by.pseudonym, at=at)
        fields["text_sha256"] = bytes(kept.digest).hex()
    documents = [
        attachments.keep(signer, file.chunks(), name=file.name or "", by=by.pseudonym, at=at)
        for file in files
    ]
    if documents:
        fields["attachments"] = [bytes(each.digest).hex() for each in documents]
    return prepare_draft("finding.explained", fields, keys=keys, by=by, at=at)
