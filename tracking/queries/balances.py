"""Balances from movements: for each account and period, ending = beginning + increases − decreases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import connection

from registry.models import Organisation, Site


@dataclass
class Balance:
    """The chips on one kind of account of an organisation at a site over a period of recorded time, in pieces."""

    account: str
    organisation: str
    site: str
    beginning: int = 0
    increases: Counter[str] = field(default_factory=Counter)
    decreases: Counter[str] = field(default_factory=Counter)

    @property
    def ending(self) -> int:
        return self.beginning + self.increases.total() - self.decreases.total()


_QUERY: Final = """
SELECT account.kind, answerable.handle, site.code, booked.kind, booked.sign, booked.before, sum(booked.quantity)
FROM tracking_account account
JOIN ledger_signer answerable ON answerable.id = account.organisation_id
JOIN registry_site site ON site.id = account.site_id
JOIN LATERAL (
    SELECT kind, 1 AS sign, recorded_at < %(since)s AS before, quantity FROM tracking_movement
    WHERE target_id = account.id AND recorded_at < %(until)s
    UNION ALL
    SELECT kind, -1, recorded_at < %(since)s, quantity FROM tracking_movement
    WHERE source_id = account.id AND recorded_at < %(until)s) booked ON true
WHERE account.organisation_id = ANY(%(organisations)s) AND (%(site)s::bigint IS NULL OR account.site_id = %(site)s)
GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 2, 3, 1
"""


def balances(
    organisations: Iterable[Organisation], *, since: datetime, until: datetime, site: Site | None = None
) -> list[Balance]:
    """The balance of every account of these organisations, over movements recorded in [since, until)."""
    found: dict[tuple[str, str, str], Balance] = {}
    parameters = {
        "organisations": [organisation.pk for organisation in organisations],
        "site": None if site is None else site.pk,
        "since": since,
        "until": until,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, parameters)
        for account, handle, code, kind, sign, before, quantity in cursor.fetchall():
            balance = found.setdefault((handle, code, account), Balance(account, handle, code))
            if before:
                balance.beginning += sign * int(quantity)
            else:
                (balance.increases if sign > 0 else balance.decreases)[kind] += int(quantity)
    return list(found.values())
