"""Operators declare their sites and keep the descriptions true."""

from __future__ import annotations

from chipledger.refusals import Refused
from chipledger.statements.registry import SiteAmended, SiteDeclared, SiteFacts
from ledger.book import keep
from ledger.handlers import Filing, Handler, Verdict, handles
from registry import rules
from registry.actions.sites import amend_site, declare_site
from registry.models import NetworkLink, Site
from registry.queries import lookups


@handles("site.declared")
class Declared(Handler[SiteDeclared]):
    """An organisation declares a site; the code is nobody's before."""

    def judge(self, filing: Filing[SiteDeclared]) -> Verdict:
        body = filing.body
        lookups.hold_names("site", [body.code])
        if lookups.sites_among([body.code]):
            raise Refused(
                "site_known",
                "A site of this code is declared; choose another code.",
                field="code",
                value=body.code,
                status=409,
            )
        _check_links(body)
        return {}

    def apply(self, filing: Filing[SiteDeclared], verdict: Verdict) -> None:
        declare_site(filing.body, operator=filing.signer, by=filing.booked, at=filing.at)


@handles("site.amended")
class Amended(Handler[SiteAmended]):
    """The operator describes its site anew, building on the statement that describes it now."""

    looks_at_previous = True

    def judge(self, filing: Filing[SiteAmended]) -> Verdict:
        body = filing.body
        lookups.hold_names("site", [body.code])
        site = lookups.own_site(filing.signer, body.code, field="code")
        rules.check_previous(body.previous, current=bytes(site.statement.digest))
        rules.check_stays(site, country=body.country)
        _check_links(body)
        return {}

    def apply(self, filing: Filing[SiteAmended], verdict: Verdict) -> None:
        amend_site(filing.body, by=filing.booked)


def _check_links(body: SiteFacts) -> None:
    rules.check_links(body.code, body.links, known=lookups.sites_among(link.site for link in body.links))


keep(
    Site,
    """SELECT code, operator.handle, name, country, latitude_e7, longitude_e7, power_kw, slots,
              declared_at, statement.digest
       FROM registry_site JOIN ledger_signer operator ON operator.id = organisation_id
       JOIN ledger_statement statement ON statement.id = statement_id""",
)
keep(
    NetworkLink,
    """SELECT site.code AS site, other.code AS other, mbit_s FROM registry_networklink
       JOIN registry_site site ON site.id = site_id JOIN registry_site other ON other.id = other_id""",
)
