"""The components of the face as template tags: `{% load components %}`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.forms import BoundField, Form
from django.http import HttpRequest
from django.template import Context
from django.template.base import Parser, Token
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from chipledger import clock
from chipledger.refusals import Refused
from web import durations
from web.components import AgainstLine, Column, Event, Paper, Proof, Severity, SigningRequest, in_servers
from web.paging import CURSOR, Page
from web.two_lines import TwoLines
from web.world_map import REGIONS, WorldMap

register = template.Library()

_KIND_OF_WIDGET = {
    "SelectMultiple": "select",
    "Select": "select",
    "NullBooleanSelect": "select",
    "Textarea": "textarea",
    "CheckboxInput": "check",
    "CheckboxSelectMultiple": "checks",
}


@register.inclusion_tag("components/icon.html")
def icon(name: str) -> dict[str, object]:
    """A drawing from the sprite; it says nothing that a word beside it does not say."""
    return {"name": name}


@register.inclusion_tag("components/button.html")
def button(
    label: str,
    *,
    href: str | None = None,
    refusal: Refused | str | None = None,
    tone: str = "plain",
    icon: str = "",
    name: str = "",
    value: str = "",
    form: str = "",
    kind: str = "submit",
) -> dict[str, object]:
    """A link or a button. With a refusal it stays in its place, cannot be used, and says why.

    `tone` is primary, danger or plain; `kind` is submit, button or reset.
    """
    sentence = refusal.sentence if isinstance(refusal, Refused) else refusal
    return {
        "label": label,
        "href": href,
        "sentence": sentence,
        "tone": tone,
        "icon": icon,
        "name": name,
        "value": value,
        "form": form,
        "kind": kind,
    }


@register.inclusion_tag("components/badge.html")
def badge(label: str, tone: str = "plain") -> dict[str, object]:
    """A state in a word. `tone` is one of `web.components.Tone`."""
    return {"label": label, "tone": tone}


@register.inclusion_tag("components/severity.html")
def severity(step: int, *, word: bool = True) -> dict[str, object]:
    """Shape, word and colour of one of the five steps; without the word only in a narrow column."""
    found = Severity(step)
    return {"step": int(found), "label": found.name.capitalize(), "word": word}


@register.inclusion_tag("components/time.html")
def instant(at: datetime | None, *, words: bool = True) -> dict[str, object]:
    """An instant in UTC, and how long ago that is."""
    return _time(at, durations.since(at, now=clock.now()) if at and words else "")


@register.inclusion_tag("components/time.html")
def due(at: datetime | None, *, day: bool = False) -> dict[str, object]:
    """A deadline: "3 days late" first, then the instant, or only its day where a column is narrow."""
    now = clock.now()
    context = _time(at, durations.lateness(at, now=now) if at else "")
    if day and at:
        context["stamp"] = f"{at:%Y-%m-%d}"
    return context | {"words_first": True, "late": bool(at and now - at >= timedelta(minutes=1))}


@register.inclusion_tag("components/serial.html")
def serial(chip: str, *, url: str | None = None) -> dict[str, object]:
    """A chip as `maker/serial`: the maker quiet, the serial in letters that cannot be mistaken."""
    maker, _, number = chip.rpartition("/")
    return {"maker": maker, "number": number, "url": url}


@register.inclusion_tag("components/digest.html")
def digest(value: str, *, url: str | None = None, whole: bool = False) -> dict[str, object]:
    """A hash or key id in hex: its first twelve digits, all of them on demand, or all at once."""
    return {"value": value, "short": value[:12], "url": url, "whole": whole or len(value) <= 16}


@register.inclusion_tag("components/count.html")
def count(number: int | str | None, *, url: str | None = None) -> dict[str, object]:
    """A number that leads to the rows it counts, when there are any; a dash for one that nobody knows."""
    return {"number": f"{number:,}" if isinstance(number, int) else "–", "url": url if number else None}


@register.inclusion_tag("components/figure.html")
def figure(
    label: str, value: int | str, *, url: str | None = None, note: str = "", tone: str = "plain"
) -> dict[str, object]:
    """One of a handful of figures at the head of a page; a gap of none alarms nobody."""
    if tone == "gap" and value == 0:
        tone = "plain"
    shown = f"{value:,}" if isinstance(value, int) else value
    return {"label": label, "value": shown, "url": url, "note": note, "tone": tone}


@register.simple_block_tag(takes_context=True)
def ledger_table(context: Context, content: str, columns: Sequence[Column], *, caption: str) -> SafeString:
    """A dense table, edge to edge: its header from `columns`, its `<tr>` rows from between the tags.

    A header with `sort` leads to the same list in that order; a second click turns it round (`-word`).
    """
    request = context["request"]
    cells = [_header_cell(column, request) for column in columns]
    return render_to_string("components/table.html", {"columns": cells, "rows": content, "caption": caption})


class Cell(template.Node):
    """A cell of a table, drawn only while its column is shown; a list without a choice of columns shows all."""

    def __init__(self, key: str, css: str, nodes: template.NodeList) -> None:
        self.key, self.css, self.nodelist = key, css, nodes

    def render(self, context: Context) -> SafeString:
        shown = context.get("shown")
        if shown is not None and self.key not in shown:
            return SafeString("")
        start = f'<td class="{self.css}">' if self.css else "<td>"
        return SafeString(f"{start}{self.nodelist.render(context)}</td>")


@register.tag("cell")
def cell(parser: Parser, token: Token) -> Cell:
    """`{% cell "site" "num" %}…{% endcell %}`: the key of the column, then the classes of the cell."""
    _, key, *css = (part.strip('"') for part in token.split_contents())
    nodes = parser.parse(("endcell",))
    parser.delete_first_token()
    return Cell(key, " ".join(css), nodes)


@register.inclusion_tag("components/pagination.html")
def pagination(page: Page[Any]) -> dict[str, object]:
    """Where the list goes on. No totals: they are not counted."""
    return {"page": page}


@register.inclusion_tag("components/filter_bar.html", takes_context=True)
def filter_bar(context: Context, form: Form) -> dict[str, object]:
    """A GET form whose answers stay in the address, beside the order and the columns that were chosen before."""
    query = context["request"].GET
    kept = [(name, value) for name in ("sort", "columns") for value in query.getlist(name) if value]
    is_filtered = any(value for name, values in query.lists() if name in form.fields for value in values)
    return {"form": form, "kept": kept, "is_filtered": is_filtered, "path": context["request"].path}


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, *, mono: bool = False) -> dict[str, object]:
    """A form field with its label, its help and its errors beside it. `mono` for serials and digests."""
    widget = type(bound.field.widget).__name__
    kind = _KIND_OF_WIDGET.get(widget, "input")
    styles = {"select": "form-select", "check": "form-check-input"}
    classes = [
        styles.get(kind, "form-control"),
        *(["mono"] if mono else []),
        *(["is-invalid"] if bound.errors else []),
    ]
    attributes: dict[str, str | bool] = {"class": " ".join(classes)}
    return {"field": bound, "kind": kind, "control": bound.as_widget(attrs=attributes)}


@register.inclusion_tag("components/file_drop.html")
def file_drop(bound: BoundField, *, accept: str = "") -> dict[str, object]:
    """A place to drop or choose a file, or several; without JavaScript it is an ordinary file input."""
    attributes: dict[str, str | bool] = {"class": "file-drop-input"}
    if accept:
        attributes["accept"] = accept
    is_several = getattr(bound.field.widget, "allow_multiple_selected", False)
    return {"field": bound, "control": bound.as_widget(attrs=attributes), "is_several": is_several}


@register.inclusion_tag("components/progress.html")
def progress(done: int, total: int | None, *, label: str) -> dict[str, object]:
    """How far long work has come, in numbers beside the bar; `total` None while it is not known."""
    return {"done": done, "total": total, "label": label}


@register.inclusion_tag("components/timeline.html")
def timeline(events: Sequence[Event]) -> dict[str, object]:
    """What happened, newest first as given, with the account that each event belongs to."""
    return {"events": events}


@register.inclusion_tag("components/proof.html")
def proof(value: Proof | None) -> dict[str, object]:
    """The seal: the position in the log, opening to the hashes and the downloads."""
    return {"proof": value}


@register.inclusion_tag("components/paper.html")
def paper(value: Paper) -> dict[str, object]:
    """A statement as a document that prints on one page."""
    return {"paper": value, "servers": in_servers(value.chips)}


@register.inclusion_tag("components/servers.html")
def servers(chips: Sequence[str]) -> dict[str, object]:
    """Chips in rows of eight, as they sit in servers."""
    return {"servers": in_servers(chips)}


@register.inclusion_tag("components/two_lines.html")
def two_lines(drawing: TwoLines | None) -> dict[str, object]:
    """Book against silicon."""
    return {"drawing": drawing}


@register.inclusion_tag("components/against_line.html")
def against_line(drawing: AgainstLine) -> dict[str, object]:
    """A bar with the line marked; the percentage beside it says the same."""
    return {"drawing": drawing}


@register.simple_tag
def severity_word(step: int) -> str:
    """A severity said in words, 0 for none."""
    return f"worst open finding {Severity(step).name.lower()}" if step else "no open finding"


@register.inclusion_tag("components/world_map.html")
def world_map(drawing: WorldMap) -> dict[str, object]:
    """Sites on the map of the world, each a link; a list beside it says the same in words."""
    regions = [(name, label) for name, (label, _) in REGIONS.items()]
    return {"drawing": drawing, "regions": regions, "steps": [int(step) for step in reversed(Severity)]}


@register.inclusion_tag("components/empty_state.html")
def empty_state(title: str, how: str, *, href: str | None = None, action: str = "") -> dict[str, object]:
    """What would be here, and how it gets here."""
    return {"title": title, "how": how, "href": href, "action": action}


@register.inclusion_tag("components/notice.html")
def notice(sentence: str, *, tone: str = "plain", title: str = "") -> dict[str, object]:
    """A sentence that concerns the whole page."""
    return {"sentence": sentence, "tone": tone, "title": title}


@register.inclusion_tag("components/sign.html", takes_context=True)
def sign(context: Context, request_to_sign: SigningRequest) -> dict[str, object]:
    """The paper to be signed, in words and as bytes; then the passkey, or the offline way."""
    return {
        "signing": request_to_sign,
        "request": context["request"],
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("components/enrol.html", takes_context=True)
def enrol(context: Context, action: str, options: str) -> dict[str, object]:
    """The form that enrols a passkey as a signing credential; it posts the response as `credential`.

    `options` is JSON: PublicKeyCredentialCreationOptions with binary members in base64url.
    """
    return {"action": action, "options": options, "csrf_token": context.get("csrf_token")}


def _time(at: datetime | None, words: str) -> dict[str, object]:
    if at is None:
        return {"stamp": None}
    return {"stamp": durations.stamp(at), "machine": durations.machine_stamp(at), "words": words}


def _header_cell(column: Column, request: HttpRequest) -> dict[str, object]:
    cell: dict[str, object] = {"label": column.label, "numeric": column.numeric}
    if column.sort is None:
        return cell
    asked = request.GET.get("sort", "")
    query = request.GET.copy()
    query.pop(CURSOR, None)
    query["sort"] = f"-{column.sort}" if asked == column.sort else column.sort
    direction = {column.sort: "ascending", f"-{column.sort}": "descending"}.get(asked)
    return cell | {"url": f"?{query.urlencode()}", "direction": direction}
