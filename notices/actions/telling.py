"""Telling: notices are written together with what goes out of the house because of them, or neither is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.db.models import Max

from notices.models import Notice
from notices.rules import first_by_mail
from registry.models import Role

_BY_MAIL: Final = """
INSERT INTO notices_mailing (notice_id, person_id, state, attempts, next_attempt_at)
SELECT notice.id, member.person_id, 'waiting', 0, %(at)s
  FROM notices_notice notice
  JOIN registry_membership member ON member.organisation_id = notice.organisation_id AND member.until IS NULL
  JOIN registry_person person ON person.id = member.person_id AND person.is_active
  JOIN jsonb_to_recordset(%(first)s::jsonb) AS at_first(role text, kinds text[]) ON at_first.role = member.role
  LEFT JOIN notices_preference wish
    ON wish.person_id = member.person_id AND wish.organisation_id = notice.organisation_id
 WHERE notice.id > %(before)s AND notice.kind = ANY(COALESCE(wish.by_mail, at_first.kinds))
ON CONFLICT (notice_id, person_id) DO NOTHING
"""

_BY_WEBHOOK: Final = """
INSERT INTO notices_delivery (uid, webhook_id, notice_id, kind, made_at, state, attempts, next_attempt_at,
                              body, signature, response, error)
SELECT gen_random_uuid(), webhook.id, notice.id, notice.kind, %(at)s, 'waiting', 0, %(at)s, '', '', '', ''
  FROM notices_notice notice
  JOIN notices_webhook webhook ON webhook.organisation_id = notice.organisation_id
 WHERE notice.id > %(before)s AND webhook.disabled_at IS NULL AND notice.kind = ANY(webhook.kinds)
ON CONFLICT (webhook_id, notice_id) DO NOTHING
"""


@transaction.atomic
def tell(found: Sequence[Notice], *, at: datetime) -> int:
    """Write down those notices that are new, with a mailing or delivery for all who want each; returns how many.

    Whoever tells at the same time lays out their own: a row that both see is laid out once, by its unique pair.
    """
    before = Notice.objects.aggregate(newest=Max("pk"))["newest"] or 0
    for notice in found:
        notice.made_at = at
    Notice.objects.bulk_create(found, ignore_conflicts=True, batch_size=1000)
    told = Notice.objects.filter(pk__gt=before).count()
    if told:
        first = [{"role": role.value, "kinds": first_by_mail(role)} for role in Role]
        values = {"at": at, "before": before, "first": json.dumps(first)}
        with connection.cursor() as cursor:
            cursor.execute(_BY_MAIL, values)
            cursor.execute(_BY_WEBHOOK, values)
    return told
