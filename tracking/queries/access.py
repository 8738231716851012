"""Who may read which chips, holdings, transfers and movements (design §7). A stranger's row does not exist."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from ledger.models import SignerKind
from registry.access import Reader, readable, says_who_is_within_reach
from registry.models import Chip, Organisation, Site
from tracking.models import (
    Account,
    AccountKind,
    Difference,
    Holding,
    Movement,
    MovementLine,
    StockCount,
    StockDifference,
    Transfer,
)

Countries = tuple[str, ...]
AUTHORITIES: Final = 64
"""An authority's rules depend on its countries alone. Those of so many are kept as they were written by the ORM, which
takes longer than the database takes to answer; each use is a copy that has fetched nothing."""


@lru_cache(AUTHORITIES)
def _accounts_in(countries: Countries) -> QuerySet[Account]:
    """The accounts there, by their site or by who answers for them."""
    return Account.objects.filter(
        Q(site__country__in=countries) | Q(organisation__countries__overlap=list(countries))
    )


def _of_countries(countries: Countries) -> tuple[QuerySet[Site], QuerySet[Organisation]]:
    """The sites and the organisations of a regulator's countries.

    Rules ask them with EXISTS: joins would cost more to plan than a page's rows cost to find, and of the two ways to
    answer an EXISTS the database takes the better one, row by row for a page and once for all for a count.
    """
    return (
        Site.objects.filter(country__in=countries),
        Organisation.objects.filter(countries__overlap=list(countries)),
    )


def _bound_for(countries: Countries) -> QuerySet[Transfer]:
    """The transfers whose destination or consignee is there."""
    sites, parties = _of_countries(countries)
    return Transfer.objects.filter(
        Exists(sites.filter(pk=OuterRef("to_site_id"))) | Exists(parties.filter(pk=OuterRef("consignee_id")))
    )


@lru_cache(AUTHORITIES)
def _holdings_in(countries: Countries) -> QuerySet[Holding]:
    bound = _bound_for(countries).filter(pk=OuterRef("transfer_id"))
    return Holding.objects.filter(
        Exists(_accounts_in(countries).filter(pk=OuterRef("account_id"))) | Exists(bound)
    )


def lines_of(reader: Reader) -> QuerySet[MovementLine]:
    """The movements after which an organisation answered for the chip, or expected it.

    They are found before their lines, because they are few: one may have moved a million chips.
    """
    own = Movement.objects.filter(target__organisation=reader.organisation)
    expected = Movement.objects.filter(
        transfer__consignee=reader.organisation, target__kind=AccountKind.IN_TRANSIT
    )
    either = own.order_by().values("pk").union(expected.order_by().values("pk"))
    return MovementLine.objects.filter(movement__in=either)


@lru_cache(AUTHORITIES)
def lines_in(countries: Countries) -> QuerySet[MovementLine]:
    """The movements after which the chip was on an account of these countries, or under way to them."""
    bound = _bound_for(countries).filter(pk=OuterRef("movement__transfer_id"))
    under_way = Account.objects.filter(kind=AccountKind.IN_TRANSIT, pk=OuterRef("movement__target_id"))
    return MovementLine.objects.filter(
        Q(Exists(_accounts_in(countries).filter(pk=OuterRef("movement__target_id"))))
        | Q(Exists(bound), Exists(under_way))
    )


@lru_cache(AUTHORITIES)
def _movements_in(countries: Countries) -> QuerySet[Movement]:
    touching = _accounts_in(countries)
    sites, _ = _of_countries(countries)
    bound = Transfer.objects.filter(
        Exists(sites.filter(pk=OuterRef("to_site_id"))), pk=OuterRef("transfer_id")
    )
    return Movement.objects.filter(
        Exists(touching.filter(pk=OuterRef("source_id")))
        | Exists(touching.filter(pk=OuterRef("target_id")))
        | Exists(bound)
    )


@lru_cache(AUTHORITIES)
def _chips_in(countries: Countries) -> QuerySet[Chip]:
    return Chip.objects.filter(_moved_by(_movements_in(countries)))


def _moved_by(movements: QuerySet[Movement]) -> Exists:
    lines = MovementLine.objects.filter(chip=OuterRef("pk"), movement__in=movements.values("pk"))
    return Exists(lines.values("chip"))


@readable(Account)
def accounts_for(reader: Reader) -> QuerySet[Account]:
    """One's own; a regulator's, those that touch its countries."""
    if reader.is_regulator:
        return _accounts_in(reader.countries).all()
    return Account.objects.filter(organisation=reader.organisation)


@readable(Transfer)
def transfers_for(reader: Reader) -> QuerySet[Transfer]:
    """The sender's, the consignee's, the carrier's; a regulator's when an end or a party touches its countries."""
    if reader.is_regulator:
        sites, parties = _of_countries(reader.countries)
        return Transfer.objects.filter(
            Exists(sites.filter(pk=OuterRef("from_site_id")))
            | Exists(sites.filter(pk=OuterRef("to_site_id")))
            | Exists(parties.filter(pk=OuterRef("sender_id")))
            | Exists(parties.filter(pk=OuterRef("consignee_id")))
        )
    if reader.kind == SignerKind.CARRIER:
        return Transfer.objects.filter(carrier=reader.organisation)
    return Transfer.objects.filter(Q(sender=reader.organisation) | Q(consignee=reader.organisation))


@readable(Difference)
def differences_for(reader: Reader) -> QuerySet[Difference]:
    """Those of the transfers that one may open: a carrier sees counts only."""
    if reader.kind == SignerKind.CARRIER:
        return Difference.objects.none()
    return Difference.objects.filter(transfer__in=transfers_for(reader))


@readable(StockCount)
def stock_counts_for(reader: Reader) -> QuerySet[StockCount]:
    """One's own; a regulator's, when the site or the organisation that counted it touches its countries."""
    if reader.is_regulator:
        sites, parties = _of_countries(reader.countries)
        return StockCount.objects.filter(
            Exists(sites.filter(pk=OuterRef("site_id")))
            | Exists(parties.filter(pk=OuterRef("organisation_id")))
        )
    return StockCount.objects.filter(organisation=reader.organisation)


@readable(StockDifference)
def stock_differences_for(reader: Reader) -> QuerySet[StockDifference]:
    """Those of the counts that one may open."""
    return StockDifference.objects.filter(count__in=stock_counts_for(reader))


@says_who_is_within_reach
@readable(Holding)
def holdings_for(reader: Reader) -> QuerySet[Holding]:
    """Where chips are now: for their holder, for the consignee while they are under way, and for a regulator whose
    countries the holder, the site or the route touches. Not for the maker of a chip that was delivered on."""
    if reader.is_regulator:
        return _holdings_in(reader.countries).all()
    if reader.kind == SignerKind.CARRIER:
        return Holding.objects.none()
    # Numbers rather than subqueries: then the indexes of both columns serve, and not every holding is read.
    own = list(Account.objects.filter(organisation=reader.organisation).values_list("pk", flat=True))
    expected = Transfer.objects.filter(consignee=reader.organisation, closed_at__isnull=True)
    return Holding.objects.filter(
        Q(account_id__in=own) | Q(transfer_id__in=list(expected.values_list("pk", flat=True)))
    )


@readable(Movement)
def movements_for(reader: Reader) -> QuerySet[Movement]:
    """Movements that one was a side of; a regulator's, those that touch its countries on either side."""
    if reader.is_regulator:
        return _movements_in(reader.countries).all()
    own = Account.objects.filter(organisation=reader.organisation).values("pk")
    return Movement.objects.filter(
        Q(source__in=own) | Q(target__in=own) | Q(transfer__consignee=reader.organisation)
    )


@readable(Chip)
def chips_for(reader: Reader) -> QuerySet[Chip]:
    """Chips that one holds, made, ever held, or expects; a regulator's, those that were ever within its countries.

    Where a chip is *now* is another question: that is read through ``visible(reader, Holding)``.
    """
    if reader.kind == SignerKind.CARRIER:
        return Chip.objects.none()
    if reader.is_regulator:
        return _chips_in(reader.countries).all()
    return Chip.objects.filter(Q(maker=reader.organisation) | _moved_by(movements_for(reader)))
