"""Balances on a day gone by: the book made again from movements, beside what that day's last sweep counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, QuerySet

from audits.models import DailyBalance
from audits.queries import sweep_of
from registry.access import Reader, visible
from registry.models import Organisation, Site
from tracking.models import Account, AccountKind
from tracking.queries.as_of import AsOf, each_view
from tracking.queries.counts_at import counts_at
from tracking.queries.history import View


@dataclass(frozen=True)
class BalanceThen:
    """What an organisation had at a site at the end of a day. What only a sweep counts is None where none did."""

    organisation: Organisation
    site: Site
    chips: dict[str, int]
    installed: int | None
    seen_hardware: int | None
    measured_at: datetime | None
    seen_inspected: None = None
    seen_host: None = None
    seen_weaker: None = None
    view: str = ""
    """Which of two views it is of, where both are asked for."""

    @property
    def unaccounted(self) -> int | None:
        """Chips that owed evidence and gave none by hardware, as that day's last sweep counted."""
        if self.installed is None or self.seen_hardware is None:
            return None
        return self.installed - self.seen_hardware

    @property
    def on_hand(self) -> int:
        return self._on(AccountKind.ON_HAND)

    @property
    def in_transit(self) -> int:
        return self._on(AccountKind.IN_TRANSIT)

    @property
    def lost(self) -> int:
        return self._on(AccountKind.LOST)

    @property
    def stolen(self) -> int:
        return self._on(AccountKind.STOLEN)

    @property
    def retired(self) -> int:
        return self._on(AccountKind.RETIRED)

    @property
    def destroyed(self) -> int:
        return self._on(AccountKind.DESTROYED)

    @property
    def exported(self) -> int:
        return self._on(AccountKind.EXPORTED)

    def _on(self, kind: AccountKind) -> int:
        return self.chips.get(kind, 0)


@dataclass(frozen=True)
class Counted:
    """The last sweep of a day, if one is kept, and the newest checkpoint then."""

    at: datetime
    checkpoint: int | None


class DayOfBalances:
    """All balances of a day that a reader may see, as far as a filter lets them through.

    ``rows`` has one account for each balance, to page by; ``of`` says what each of them stands for.
    """

    def __init__(
        self, reader: Reader, asked: AsOf, accounts: QuerySet[Account], days: QuerySet[DailyBalance]
    ) -> None:
        self.counted = _counted(asked)
        self._then = {
            (day.organisation_id, day.site_id): day for day in days.filter(day=asked.day).iterator()
        }
        places = {
            number: (organisation, site, kind)
            for number, organisation, site, kind in accounts.values_list(
                "pk", "organisation_id", "site_id", "kind"
            )
        }
        self._views = [
            (each.view if asked.view == View.BOTH else "", defaultdict[tuple[int, int], dict[str, int]](dict))
            for each in each_view(asked)
        ]
        first: dict[tuple[int, int], int] = {}
        for (_, counted), each in zip(self._views, each_view(asked), strict=True):
            for number, chips in counts_at(places, each).items():
                organisation, site, kind = places[number]
                counted[organisation, site][kind] = chips
                first[organisation, site] = min(number, first.get((organisation, site), number))
        self._first = first
        self._reader = reader

    def rows(self, *, with_gap: bool) -> QuerySet[Account]:
        """The balances of the day, or only those with unaccounted chips."""
        wanted = [number for pair, number in self._first.items() if not with_gap or self._gap(pair)]
        named = visible(self._reader, Account).filter(pk__in=wanted)
        return named.select_related("organisation__signer", "site")

    def of(self, accounts: Iterable[Account]) -> Sequence[BalanceThen]:
        """The balances that these rows stand for; of both views, the papers as filed only where they say otherwise."""
        return [balance for account in accounts for balance in self._balances(account)]

    def _gap(self, pair: tuple[int, int]) -> int:
        then = self._then.get(pair)
        return then.installed - then.seen_hardware if then else 0

    def _balances(self, account: Account) -> Iterator[BalanceThen]:
        pair = account.organisation_id, account.site_id
        then = self._then.get(pair)
        unknown = None if self.counted is None else 0
        (view, chips), *filed = self._views
        yield BalanceThen(
            account.organisation,
            account.site,
            chips[pair],
            then.installed if then else unknown,
            then.seen_hardware if then else unknown,
            then.measured_at if then else None,
            view=view,
        )
        for view, others in filed:
            if others[pair] != chips[pair]:
                yield BalanceThen(
                    account.organisation, account.site, others[pair], None, None, None, view=view
                )


def _counted(asked: AsOf) -> Counted | None:
    at = DailyBalance.objects.filter(day=asked.day).aggregate(at=Max("measured_at"))["at"]
    if at is None:
        return None
    sweep = sweep_of(at)
    return Counted(at, sweep.counts.get("balances", {}).get("checkpoint") if sweep else None)
