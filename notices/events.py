"""What a webhook says of a notice: identifiers and an address of the API, no sentence, no name, no number of chips.

The receiver asks the API with its token, which answers what it may see then, and notes that it was read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from notices.models import Notice

TEST_KIND: Final = "webhook.test"
SUBJECTS: Final = ("organisation__signer", "transfer", "finding", "statement", "webhook_event")
"""What ``event_of`` reads beside the notice's own row."""


def message_id(uid: UUID) -> str:
    """The `webhook-id`: the same for each attempt, so that a receiver can tell a repetition."""
    return f"msg_{uid.hex}"


def headers_of(message: str, *, at: datetime, signature: str) -> dict[str, str]:
    """The headers of one attempt, as Standard Webhooks names them."""
    return {
        "content-type": "application/json",
        "user-agent": "Chipledger-Webhooks/1",
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def event_of(notice: Notice) -> str:
    """The body for a notice; the same bytes whenever it is asked for."""
    kind, name, path = _subject(notice)
    data = {
        "id": notice.pk,
        "organisation": notice.organisation.signer.handle,
        "severity": notice.severity,
        "subject": {"type": kind, "id": name},
        "address": f"{settings.PUBLIC_URL}{path}",
    }
    return _body(notice.kind, notice.happened_at, data)


def body_of_test(organisation: str, *, at: datetime) -> str:
    """The body of a test: it tells of nothing."""
    data = {"organisation": organisation, "address": f"{settings.PUBLIC_URL}{reverse('api:notices')}"}
    return _body(TEST_KIND, at, data)


def _subject(notice: Notice) -> tuple[str, str, str]:
    """What a notice is about: the kind of thing, its name, and where the API has it or, failing that, tells of it."""
    if notice.transfer is not None:
        digest = bytes(notice.transfer.digest).hex()
        return "transfer", digest, reverse("api:transfer", args=[digest])
    if notice.finding is not None:
        uid = notice.finding.uid.hex
        return "finding", uid, reverse("api:finding", args=[uid])
    if notice.statement is not None:
        digest = bytes(notice.statement.digest).hex()
        return "statement", digest, reverse("api:statement", args=[digest])
    if notice.job_id is not None:
        return "job", str(notice.job_id), reverse("api:job", args=[notice.job_id])
    told = f"{reverse('api:notices')}?kind={notice.kind}"
    others = (
        ("paper", notice.draft_id),
        ("token", notice.token_id),
        ("membership", notice.membership_id),
        ("webhook", notice.webhook_event and notice.webhook_event.webhook_id),
    )
    kind, number = next((pair for pair in others if pair[1] is not None), ("notice", notice.pk))
    return kind, str(number), told


def _body(kind: str, happened_at: datetime, data: Mapping[str, object]) -> str:
    stamp = happened_at.isoformat().replace("+00:00", "Z")
    return json.dumps({"type": kind, "timestamp": stamp, "data": data}, separators=(",", ":"))
