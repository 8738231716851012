"""A list of serials, and for each who answers for it, since when, by which statement, where it was seen, and what is
open about it. The list comes by POST, so that no serial stands in an address or its log.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from chipledger.refusals import Refused
from portal.doorway import page
from portal.faults import FaultyRows
from portal.forms.lookup import LookupForm
from portal.lists import FORMAT, as_file, made_now
from portal.queries.lookup import HEADER, Answer, Known, look_up
from portal.selections import read_names
from portal.uploads import uploaded_stream
from registry.access import Reader
from web.components import Column

MAX_ASKED: Final = 10_000
SHOWN: Final = 500
"""The page shows so many lines; the files hold all."""
TITLE: Final = "Look up serials"
COLUMNS: Final = (
    Column("Asked"),
    Column("Chip"),
    Column("Answers for it"),
    Column("Account"),
    Column("Site"),
    Column("Since"),
    Column("By statement"),
    Column("Last seen"),
    Column("Open findings"),
)


@require_http_methods(["GET", "POST"])
@page
def lookup(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Ask about serials, and read or take away what the reader may know of each."""
    form = LookupForm(request.POST or None, request.FILES or None)
    refused: Refused | None = None
    answers: list[Answer] = []
    if request.method == "POST":
        try:
            answers = _answers(request, form, reader)
            if asked := request.POST.get(FORMAT):
                made = made_now(TITLE, f"{len(answers):,} serials as asked")
                lines = (answer.cells() for answer in answers)
                return as_file(request, asked, "serials", HEADER, lines, made=made)
        except Refused as error:
            refused = error
    names = [answer.asked for answer in answers]
    context = {
        "title": TITLE,
        "form": LookupForm(initial={"serials": "\n".join(names)}) if answers else form,
        "refused": refused,
        "faults": refused.faults if isinstance(refused, FaultyRows) else [],
        "answers": answers[:SHOWN],
        "asked": "\n".join(names),
        "counts": [(answer, count) for answer, count in Counter(each.known for each in answers).items()],
        "total": len(answers),
        "beyond": max(0, len(answers) - SHOWN),
        "several": Known.SEVERAL,
        "columns": COLUMNS,
    }
    return render(request, "portal/lookup.html", context, status=refused.status if refused else 200)


def _answers(request: HttpRequest, form: LookupForm, reader: Reader) -> list[Answer]:
    file = uploaded_stream(request, "file")
    if not form.is_valid():
        raise Refused(
            "bad_serials", "The serials cannot be read; see the field.", field="serials", status=400
        )
    names = read_names(form.cleaned_data["serials"], file, by=reader)
    if not names:
        raise Refused("no_serials", "Paste serials, or choose a file of them.", field="serials", status=400)
    if len(names) > MAX_ASKED:
        raise Refused(
            "too_many_serials",
            f"At most {MAX_ASKED:,} serials are looked up at once; these are {len(names):,}. Split the list.",
            field="serials",
            status=413,
        )
    return look_up(names, reader=reader)
