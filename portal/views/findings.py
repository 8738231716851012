"""Findings: the list, one with its arithmetic, and the discrepancy report."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from uuid import UUID

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from audits import queries, reports
from audits.models import Finding
from audits.rules import RULE_OF
from chipledger import clock
from chipledger.refusals import Refused
from portal.actions.drafts import prepare_draft
from portal.actions.findings import prepare_explanation
from portal.doorway import page, refusal_of
from portal.forms.filters import FindingForm, ReportForm
from portal.forms.findings import DecideForm, ExplainForm
from portal.lists import Listing, default_view, export_asked, list_context, views_of
from portal.models import Draft
from portal.papers.documents import statement_papers
from portal.queries.evidence import write_evidence
from portal.queries.explanations import beside
from portal.queries.findings import about, arithmetic, cells
from portal.queries.story import story_of
from portal.uploads import check_whole
from registry.access import Reader, visible
from registry.models import Role
from web.components import Column, Tone
from web.paging import Keyset, chosen_keyset
from web.refusals import status_of

ORDERS = {
    "severity": Keyset(("severity", "id")),
    "-severity": Keyset(("-severity", "-id")),
    "opened": Keyset(("opened_at", "id")),
    "-opened": Keyset(("-opened_at", "-id")),
}
COLUMNS = (
    Column("Severity", sort="severity", key="severity"),
    Column("Finding", key="finding", exports=("finding", "rule", "nature", "root_cause")),
    Column("About", key="subject"),
    Column("Must explain", key="organisation", exports=("organisation", "counterparty")),
    Column("Site", key="site", exports=("site", "country")),
    Column("State", key="state", exports=("state", "closing", "closed_at")),
    Column("Opened", sort="opened", key="opened_at", exports=("began_at", "opened_at")),
    Column("Due", key="due_at"),
)
LISTING = Listing("findings", "Findings", COLUMNS, reports.HEADER)
REPORT = Listing(
    "report", "Discrepancy report", tuple(replace(column, sort=None) for column in COLUMNS), reports.HEADER
)
EVIDENCE_COLUMNS = (
    Column("Identity by"),
    Column("Seen"),
    Column("Site"),
    Column("Place by"),
    Column("Statement"),
)
TALLY_COLUMNS = (Column("Severity"), Column("Rule"), Column("Findings", numeric=True))
TONES = {
    Finding.State.OPEN: Tone.GAP,
    Finding.State.EXPLAINED: Tone.WAIT,
    Finding.State.CLOSED: Tone.GOOD,
}


@require_safe
@page
def findings(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Findings that the reader may see, the gravest first."""
    views = views_of(reader, LISTING)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    form = FindingForm(request.GET)
    rows = queries.with_names(form.wanted().narrow(visible(reader, Finding))).select_related(
        "chip__maker__signer", "transfer"
    )
    keyset = chosen_keyset(request, ORDERS, default="-severity")
    file = export_asked(request, LISTING, rows, keyset, _rows_for(reader), form=form)
    if file is not None:
        return file
    found = keyset.page(rows, request)
    context = list_context(request, reader, LISTING, views) | {
        "form": form,
        "page": found,
        "rows": [
            (finding, RULE_OF[finding.rule], about(finding), TONES[Finding.State(finding.state)])
            for finding in found.items
        ],
    }
    return render(request, "portal/findings.html", context)


@require_http_methods(["GET", "POST"])
@page
def finding(request: HttpRequest, reader: Reader, number: UUID) -> HttpResponse:
    """One finding: what it was made from, who must explain, who decides; and the papers that say so."""
    now = clock.now()
    found = find_finding(reader, number)
    form, refusal = _form(request, reader, found)
    refused: Refused | None = None
    if request.method == "POST":
        check_whole(request)
        if form is None or refusal is not None:
            raise refusal or Refused(
                "not_yours_to_say", "Nothing is asked of you here; load the finding again.", status=403
            )
        if form.is_valid():
            try:
                return redirect("draft", _prepare(form, found, by=reader).pk)
            except Refused as error:
                refused = error
    story = story_of(found, reader, at=now)
    papers = statement_papers([statement for _, statement in story.grounds])
    grounds = [
        (part, paper, statement.kind.startswith("finding."))
        for (part, statement), paper in zip(story.grounds, papers, strict=True)
    ]
    context = {
        "title": RULE_OF[found.rule].title,
        "finding": found,
        "rule": RULE_OF[found.rule],
        "tone": TONES[Finding.State(found.state)],
        "about": about(found),
        "arithmetic": arithmetic(found, reader),
        "form": form,
        "refusal": refusal,
        "refused": refused,
        "story": story,
        "grounds": [(part, paper) for part, paper, is_said in grounds if not is_said],
        "papers": [paper for _, paper, is_said in grounds if is_said],
        "evidence_columns": EVIDENCE_COLUMNS,
        "is_party": reader.is_regulator or found.transfer_id is not None,
        "root_cause": found.root_cause.replace("_", " "),
        "beside": beside(found, reader),
    }
    status = 200 if form is None else status_of(form, refused)
    return render(request, "portal/finding.html", context, status=status)


def _prepare(form: ExplainForm | DecideForm, found: Finding, *, by: Reader) -> Draft:
    said = form.cleaned_data
    if isinstance(form, ExplainForm):
        return prepare_explanation(
            found,
            root_cause=said["root_cause"],
            words=said["words"],
            files=said["documents"],
            keys=form.chosen_keys(),
            by=by,
            at=clock.now(),
        )
    fields = {"finding": found.uid.hex, "decision": said["decision"], "reason": said["reason"]}
    return prepare_draft(form.kind, fields, keys=form.chosen_keys(), by=by, at=clock.now())


@require_safe
@page
def evidence(request: HttpRequest, reader: Reader, number: UUID) -> FileResponse:
    """The finding as it was frozen and the statements it rests on, for `chipledger verify`, as far as one may see."""
    now = clock.now()
    found = find_finding(reader, number)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    try:
        write_evidence(file, found, story_of(found, reader, at=now), reader, at=now)
    except Refused:
        file.close()
        raise
    file.seek(0)
    return FileResponse(
        file,
        as_attachment=True,
        filename=f"finding-{found.uid.hex[:16]}.evidence.zip",
        content_type="application/zip",
    )


def find_finding(reader: Reader, number: UUID) -> Finding:
    """A finding with its names, or 404."""
    named = queries.with_names(visible(reader, Finding))
    found = named.select_related("chip__maker__signer", "transfer").filter(uid=number).first()
    if found is None:
        raise Http404
    return found


@require_safe
@page
def report(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """The discrepancy report: counts by rule and severity, then the rows; the same filters, a period, and an export."""
    now = clock.now()
    views = views_of(reader, REPORT)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    form = ReportForm(request.GET)
    rows = form.wanted().narrow(visible(reader, Finding))
    keyset = ORDERS["-severity"]
    file = export_asked(
        request,
        REPORT,
        queries.with_names(rows),
        keyset,
        _rows_for(reader),
        form=form,
    )
    if file is not None:
        return file
    found = keyset.page(queries.with_names(rows).select_related("chip__maker__signer", "transfer"), request)
    tally = [(each, RULE_OF[each.rule].title) for each in queries.tally(rows)]
    lag = queries.sweep_lag(at=now)
    context = list_context(request, reader, REPORT, views) | {
        "form": form,
        "at": now,
        "page": found,
        "rows": [
            (each, RULE_OF[each.rule], about(each), TONES[Finding.State(each.state)]) for each in found.items
        ],
        "tally": tally,
        "query": _without(request, "rule", "severity", "cursor"),
        "together": sum(each.findings for each, _ in tally),
        "tally_columns": TALLY_COLUMNS,
        "sweep": queries.newest_sweep(),
        "is_lagging": queries.is_lagging(lag),
    }
    return render(request, "portal/report.html", context)


def _rows_for(reader: Reader) -> Callable[[list[Finding]], Iterable[tuple[object, ...]]]:
    return lambda batch: (cells(each, reader) for each in batch)


def _form(
    request: HttpRequest, reader: Reader, found: Finding
) -> tuple[ExplainForm | DecideForm | None, Refused | None]:
    """What this reader may say about a finding, and why not."""
    if found.closed_at is not None:
        return None, None
    refusal = refusal_of(reader, Role.PREPARER)
    if reader.is_regulator:
        return DecideForm(request.POST or None, reader=reader), refusal
    if found.organisation_id == reader.organisation.pk:
        return ExplainForm(request.POST or None, request.FILES or None, reader=reader), refusal
    return None, None


def _without(request: HttpRequest, *names: str) -> str:
    """The address's own filter without some of its answers, ready for further ones."""
    query = request.GET.copy()
    for name in names:
        query.pop(name, None)
    return f"{query.urlencode()}&" if query else ""
