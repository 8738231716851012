"""Writing sites and their links. Only handlers call these."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chipledger.statements.registry import NetworkLink as Link
from chipledger.statements.registry import SiteFacts
from ledger.models import Signer, Statement
from registry.models import NetworkLink, Site


def declare_site(facts: SiteFacts, *, operator: Signer, by: Statement, at: datetime) -> Site:
    """A site of this organisation begins to exist."""
    site = Site(code=facts.code, organisation_id=operator.pk, declared_at=at)
    _describe(site, facts, by=by)
    site.save(force_insert=True)
    _link(site, facts.links)
    return site


def amend_site(facts: SiteFacts, *, by: Statement) -> Site:
    """A site is described anew, its links included."""
    site = Site.objects.get(code=facts.code)
    _describe(site, facts, by=by)
    site.save()
    site.links.all().delete()
    _link(site, facts.links)
    return site


def _describe(site: Site, facts: SiteFacts, *, by: Statement) -> None:
    site.name, site.country, site.statement = facts.name, facts.country, by
    site.latitude_e7, site.longitude_e7 = facts.latitude_e7, facts.longitude_e7
    site.power_kw, site.slots = facts.power_kw, facts.slots


def _link(site: Site, links: Sequence[Link]) -> None:
    others = {other.code: other for other in Site.objects.filter(code__in=[link.site for link in links])}
    NetworkLink.objects.bulk_create(
        NetworkLink(site=site, other=others[link.site], mbit_s=link.mbit_s) for link in links
    )
