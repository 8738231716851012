"""What the page of an organisation counts, each figure of what the reader may see, with the list that it counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.db.models import Count, F, Q, QuerySet, Sum
from django.urls import reverse

from audits.models import Balance, Cluster, Finding, Policy
from ledger.models import Key
from portal.queries.sites import Counts, counts_of_sites
from registry.access import Reader, visible
from registry.models import Organisation, Site
from tracking.models import OPEN_TRANSFERS, Transfer

SHOWN: Final = 20


@dataclass(frozen=True)
class Figure:
    """A number and the list of what it counts."""

    label: str
    number: int
    url: str
    tone: str = "plain"


@dataclass(frozen=True)
class Profile:
    """An organisation as far as one reader may see it. ``holdings`` is None where its chips are not theirs to know."""

    holdings: Sequence[Figure] | None
    transfers: Sequence[Figure]
    severities: Sequence[tuple[int, int, str]]
    """The steps, each with how many findings are open and their list."""
    sites: Sequence[tuple[Site, Counts | None]]
    clusters: Sequence[Cluster]
    balances: Sequence[Balance]
    keys: Sequence[Key]
    ended_keys: Sequence[Key]


def profile_of(organisation: Organisation, reader: Reader) -> Profile:
    """Everything that the page tells; its parts have their own rules about who may see them."""
    keys = list(
        Key.objects.filter(signer=organisation.pk)
        .select_related("added_by", "revoked_by")
        .order_by("-pk")[:100]
    )
    mine = visible(reader, Site).filter(organisation=organisation).select_related("organisation")
    sites = list(mine.order_by("name", "pk")[:SHOWN])
    counts = counts_of_sites(sites, reader)
    knows = reader.is_regulator or reader.organisation.pk == organisation.pk
    balances = visible(reader, Balance).filter(organisation=organisation)
    return Profile(
        _holdings(organisation, balances) if knows else None,
        _transfers(organisation, reader),
        _severities(organisation, reader),
        [(site, counts.get(site.pk)) for site in sites],
        list(_clusters(organisation, reader)[:SHOWN]),
        list(balances.select_related("organisation__signer", "site").order_by("-unaccounted", "-pk")[:SHOWN]),
        [key for key in keys if key.revoked_at is None],
        [key for key in keys if key.revoked_at is not None],
    )


def _holdings(organisation: Organisation, balances: QuerySet[Balance]) -> list[Figure]:
    """As the newest sweep counted them."""
    handle = organisation.signer.handle
    counted = balances.aggregate(
        on_hand=Sum("on_hand", default=0),
        in_transit=Sum("in_transit", default=0),
        seen=Sum("seen_hardware", default=0),
        unaccounted=Sum("unaccounted", default=0),
        lost=Sum(F("lost") + F("stolen"), default=0),
    )
    listed = _address("balances", organisation=handle)
    gaps = _address("balances", organisation=handle, open="on")
    figures = (
        ("On hand, by the book", "on_hand", _address("chips", holder=handle, account="on_hand"), "book"),
        ("In transit", "in_transit", _address("chips", holder=handle, account="in_transit"), "plain"),
        ("Seen by hardware", "seen", listed, "silicon"),
        ("Unaccounted for", "unaccounted", gaps, "gap"),
        ("Lost or stolen", "lost", listed, "gap"),
    )
    return [Figure(label, int(counted[name]), url, tone) for label, name, url, tone in figures]


def _transfers(organisation: Organisation, reader: Reader) -> list[Figure]:
    handle = organisation.signer.handle
    counted = (
        visible(reader, Transfer)
        .filter(Q(sender=organisation) | Q(consignee=organisation), state__in=OPEN_TRANSFERS)
        .aggregate(
            sent=Count("pk", filter=Q(sender=organisation)),
            expected=Count("pk", filter=Q(consignee=organisation)),
        )
    )
    return [
        Figure("Sent, under way", counted["sent"], _address("transfers", state="open", sender=handle)),
        Figure("Expected", counted["expected"], _address("transfers", state="open", consignee=handle)),
    ]


def _clusters(organisation: Organisation, reader: Reader) -> QuerySet[Cluster]:
    """At its sites, under it, or under an owner for whom it counts among the fifty strongest."""
    member = Q(policy__grouping=Policy.Grouping.OWNER, members__contains=[organisation.signer.handle])
    found = visible(reader, Cluster).filter(member | Q(organisation=organisation))
    named = found.select_related("policy", "organisation__signer", "site")
    return named.order_by("-is_above", "-tpp", "-id")


def _severities(organisation: Organisation, reader: Reader) -> list[tuple[int, int, str]]:
    found = visible(reader, Finding).filter(organisation=organisation, closed_at__isnull=True)
    counted = dict(found.order_by().values_list("severity").annotate(number=Count("pk")))
    handle = organisation.signer.handle
    return [
        (
            step,
            counted[step],
            _address("findings", state="unresolved", severity=f"only-{step}", organisation=handle),
        )
        for step in (5, 4, 3, 2, 1)
        if step in counted
    ]


def _address(name: str, **asked: str) -> str:
    return f"{reverse(name)}?{urlencode(asked)}"
