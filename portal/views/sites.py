"""Sites: the list, one with its chips and how they attest, and the papers that declare and amend it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from attestations.models import Outage
from audits.models import Balance, Cluster, Finding
from chipledger import clock
from chipledger.refusals import Refused
from ledger.authority import check_may_sign
from portal.actions.drafts import prepare_draft
from portal.doorway import page, refusal_of
from portal.forms.custody import ACTS
from portal.forms.filters import SiteFilter
from portal.forms.sites import SiteForm
from portal.lists import Listing, default_view, export_asked, list_context, views_of
from portal.queries.sites import counts_of_sites, health_of, lines_of, load_of, silent_at
from portal.queries.world import readings_of
from portal.views.balances import COLUMNS as BALANCE_COLUMNS
from registry.access import Reader, check_role, get_visible, visible
from registry.models import Role, Site
from web.components import Column
from web.paging import Keyset
from web.refusals import status_of
from web.two_lines import draw_counts

SITES = Keyset(("code", "id"))
SITES_LISTING = Listing(
    "sites",
    "Sites",
    (
        Column("Site", key="site", exports=("site", "name")),
        Column("Operator", key="organisation"),
        Column("Country", key="country"),
        Column("On the book", numeric=True, key="on_book"),
        Column("Seen", numeric=True, key="seen"),
        Column("Unaccounted for", numeric=True, key="unaccounted"),
        Column("Late", numeric=True, key="late"),
        Column("Overdue", numeric=True, key="overdue"),
        Column("Missing", numeric=True, key="missing"),
        Column("Slots", numeric=True, key="slots"),
        Column("Power kW", numeric=True, key="power_kw"),
    ),
    (
        *("site", "name", "organisation", "country", "on_book", "seen", "unaccounted"),
        *("late", "overdue", "missing", "slots", "power_kw"),
    ),
)
MODEL_COLUMNS = (
    Column("Model"),
    Column("On hand", numeric=True),
    Column("In service", numeric=True),
    Column("H100-equivalents", numeric=True),
    Column("kW by TDP", numeric=True),
)
HEALTH_COLUMNS = (Column("Chips that owe evidence"), Column("Number", numeric=True), Column("What it means"))
OUTAGE_COLUMNS = (Column("From"), Column("To"), Column("Reason"))


@require_safe
@page
def sites(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Sites of the organisation, or of a regulator's countries, with what the newest sweep counted there."""
    views = views_of(reader, SITES_LISTING)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    form = SiteFilter(request.GET)
    rows = form.narrow(visible(reader, Site).select_related("organisation__signer"))
    file = export_asked(request, SITES_LISTING, rows, SITES, lambda batch: lines_of(batch, reader), form=form)
    if file is not None:
        return file
    found = SITES.page(rows, request)
    counts, silent = counts_of_sites(found.items, reader), silent_at(found.items, reader)
    context = list_context(request, reader, SITES_LISTING, views) | {
        "form": form,
        "page": found,
        "rows": [(site, counts.get(site.pk), *silent[site.pk]) for site in found.items],
        "refusal": declaring_refusal(reader),
    }
    return render(request, "portal/sites.html", context)


@require_safe
@page
def site(request: HttpRequest, reader: Reader, code: str) -> HttpResponse:
    """One site: what it can carry and carries, book against silicon, how its chips attest, its findings."""
    found = get_visible(reader, Site, code=code)
    is_own = found.organisation_id == reader.organisation.pk
    balances = list(
        visible(reader, Balance)
        .filter(site=found)
        .select_related("organisation__signer", "site")
        .order_by("pk")
    )
    load = load_of(reader, found)
    context = {
        "title": found.name,
        "site": found,
        "digest": bytes(found.statement.digest).hex(),
        "links": found.links.select_related("other").order_by("pk"),
        "place": f"{found.latitude_e7 / 1e7:.4f}, {found.longitude_e7 / 1e7:.4f}",
        "balances": balances,
        "balance_columns": BALANCE_COLUMNS,
        "lines": draw_counts(readings_of(reader, at=clock.now(), site=found), now=clock.now()),
        "load": load,
        "model_columns": MODEL_COLUMNS,
        "health": health_of(reader, found, balances),
        "health_columns": HEALTH_COLUMNS,
        "outages": visible(reader, Outage).filter(site=found).order_by("-begins_at", "-pk")[:5],
        "outage_columns": OUTAGE_COLUMNS,
        "findings": visible(reader, Finding).filter(site=found, closed_at__isnull=True).count(),
        "refusal": refusal_of(reader, Role.PREPARER),
        "is_own": is_own,
        "acts": ACTS.items() if is_own else (),
        "clusters": visible(reader, Cluster).filter(site=found).select_related("policy").order_by("pk")[:20],
    }
    return render(request, "portal/site.html", context)


@require_http_methods(["GET", "POST"])
@page
def declare(request: HttpRequest, reader: Reader) -> HttpResponse:
    """The paper by which an organisation declares a site that it operates."""
    refusal = declaring_refusal(reader)
    if request.method == "POST" and refusal is not None:
        raise refusal
    form = SiteForm(request.POST or None, kind="site.declared", reader=reader)
    return _prepare(request, reader, form, title="Declare a site", refusal=refusal)


@require_http_methods(["GET", "POST"])
@page
def amend(request: HttpRequest, reader: Reader, code: str) -> HttpResponse:
    """The same site described anew; the paper names the statement that it replaces, and is refused once that moved."""
    found = get_visible(reader, Site, code=code)
    if found.organisation_id != reader.organisation.pk:
        raise Refused(
            "not_the_operator", "Only the operator of a site describes it anew; ask them.", status=403
        )
    refusal = refusal_of(reader, Role.PREPARER)
    if request.method == "POST":
        check_role(reader, Role.PREPARER)
    form = SiteForm(request.POST or None, kind="site.amended", reader=reader, site=found)
    return _prepare(request, reader, form, title=f"Amend {found.name}", refusal=refusal, site=found)


def _prepare(
    request: HttpRequest,
    reader: Reader,
    form: SiteForm,
    *,
    title: str,
    refusal: Refused | None,
    site: Site | None = None,
) -> HttpResponse:
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        try:
            draft = prepare_draft(
                form.kind, form.members(), keys=form.chosen_keys(), by=reader, at=clock.now()
            )
            return redirect("draft", draft.pk)
        except Refused as error:
            refused = error
    context = {"title": title, "form": form, "site": site, "refusal": refusal, "refused": refused}
    return render(request, "portal/describe_site.html", context, status=status_of(form, refused))


def declaring_refusal(reader: Reader) -> Refused | None:
    """Why this reader declares no site: another kind of organisation, or too low a role."""
    try:
        check_may_sign("site.declared", signer=reader.organisation.signer, keys=[])
    except Refused as refused:
        return refused
    return refusal_of(reader, Role.PREPARER)
