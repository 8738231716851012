"""Who may read findings, clusters, balances and policies (design §7)."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from audits import queries
from audits.models import Balance, Cluster, DailyBalance, Finding, Policy, Stock
from registry.access import Reader, readable


@readable(Finding)
def readable_findings(reader: Reader) -> QuerySet[Finding]:
    """A regulator sees what touches its countries; an organisation what cites it, or is about its transfer."""
    if reader.is_regulator:
        return queries.findings_touching(reader.countries)
    return queries.findings_concerning(reader.organisation.pk)


@readable(Cluster)
def readable_clusters(reader: Reader) -> QuerySet[Cluster]:
    """A regulator sees clusters with a place or an operator in its countries; an organisation what is all its own."""
    if not reader.is_regulator:
        return Cluster.objects.filter(organisation=reader.organisation, is_shared=False)
    countries = list(reader.countries)
    return Cluster.objects.filter(
        Q(countries__overlap=countries) | Q(organisation__countries__overlap=countries)
    )


@readable(Balance)
def readable_balances(reader: Reader) -> QuerySet[Balance]:
    """A regulator sees balances of sites and organisations in its countries; an organisation its own."""
    return Balance.objects.filter(_of_whom(reader))


@readable(DailyBalance)
def readable_days(reader: Reader) -> QuerySet[DailyBalance]:
    """What balances were, day by day, to those who may read what they are."""
    return DailyBalance.objects.filter(_of_whom(reader))


@readable(Stock)
def readable_stock(reader: Reader) -> QuerySet[Stock]:
    """What clusters are made of, to those who may read the accounts: who sees a cluster may not see all its parts."""
    return Stock.objects.filter(_of_whom(reader, "account__"))


def _of_whom(reader: Reader, of: str = "") -> Q:
    if not reader.is_regulator:
        return Q(**{f"{of}organisation": reader.organisation})
    countries = list(reader.countries)
    return Q(**{f"{of}site__country__in": countries}) | Q(
        **{f"{of}organisation__countries__overlap": countries}
    )


@readable(Policy, logged=False)
def readable_policies(reader: Reader) -> QuerySet[Policy]:
    """Policies are public: everybody must be able to know the line."""
    return Policy.objects.all()
