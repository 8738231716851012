"""Letting a colleague go: membership, tokens and sessions end at once, and papers are laid out that end the keys."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from chipledger.refusals import Refused
from ledger.models import Key
from portal.actions.drafts import prepare_draft
from portal.models import Draft
from portal.queries.people import keys_of
from registry.access import Reader
from registry.actions.people import end_membership
from registry.models import Membership


def let_go(
    membership: Membership, *, sign_with: Key | None, by: Reader, at: datetime
) -> tuple[list[Draft], list[Refused]]:
    """End a membership and prepare a ``key.revoked`` for each living key of the leaver.

    Nobody stays because of a key: one whose paper the rules refuse, the last administrator's, comes back as a refusal.
    """
    pseudonym = membership.person.pseudonym
    living = keys_of(by, [pseudonym]).get(pseudonym, [])
    end_membership(membership, by=by, at=at)
    if living and sign_with is None:
        return [], [Refused("keys_left", "Nothing was laid out to end it; revoke it on the page of keys.")]
    drafts, refused = [], []
    for key in living:
        if sign_with is None:
            continue
        try:
            with transaction.atomic():
                fields = {"key": key.key_id, "reason": "person_left"}
                drafts.append(prepare_draft("key.revoked", fields, keys=[sign_with], by=by, at=at))
        except Refused as refusal:
            refused.append(refusal)
    return drafts, refused
