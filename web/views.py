"""The living style page: every component as it looks, in debug only."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from chipledger import clock
from web import two_lines, world_map
from web.components import (
    AgainstLine,
    Column,
    Event,
    Fact,
    FactKind,
    Paper,
    Proof,
    Severity,
    Side,
    SignatureMark,
    SigningCredential,
    SigningRequest,
    Tone,
)
from web.forms import SampleFileForm, SampleForm
from web.paging import Page

_COLUMNS = (
    Column("Serial", sort="serial"),
    Column("Holder"),
    Column("State"),
    Column("Finding"),
    Column("Received", sort="received"),
    Column("Days unseen", numeric=True),
)
_HASH = "9f2c41d07be8a35c0d6614f7aab0927c3e51d8f4b6607a19c2d3e84f50617283"


def style(request: HttpRequest) -> HttpResponse:
    """Show every component with sample values; 404 outside debug."""
    if not settings.DEBUG:
        raise Http404
    now = clock.now()
    day = timedelta(days=1)
    form = SampleForm(request.GET or None)
    invalid = SampleForm({"serial": "", "since": "yesterday"})
    chips = tuple(f"aurora/AX{n:05d}-O0" for n in range(1, 25))
    proof = Proof(
        origin="demo.chipledger.example",
        position=18_204,
        tree_size=18_377,
        root_hash=_HASH[::-1],
        leaf_hash=_HASH,
        path=(_HASH[8:] + _HASH[:8], _HASH[24:] + _HASH[:24]),
        bundle_url="#bundle",
        checkpoint_url="#checkpoint",
    )
    paper = Paper(
        title="Dispatch of 480 chips to Nordlicht Compute",
        kind="transfer.dispatched",
        sentence=(
            "Aurora Semiconductor hands 480 chips at Hsinchu 2 to Nordlicht Compute, bound for Luleå 3, "
            "and answers for them until Nordlicht signs for their receipt."
        ),
        payload=b'{"kind":"transfer.dispatched","v":1,"log":"demo.chipledger.example","nonce":"5f0c7d9e21ab3c44"}',
        issued_at=now - 9 * day,
        accepted_at=now - 9 * day + timedelta(seconds=4),
        facts=(
            Fact("From", "Aurora Semiconductor, Hsinchu 2", url="#from"),
            Fact("To", "Nordlicht Compute, Luleå 3", url="#to"),
            Fact("Waybill", "NLC-2231-0097", kind=FactKind.SERIAL),
            Fact("Compute", "480 H100-equivalents"),
        ),
        chips=chips,
        chips_total=480,
        chips_url="#chips",
        signatures=(
            SignatureMark("Aurora Semiconductor", _HASH, "ECDSA P-256", "signatory 7c1e", "#key"),
            SignatureMark("Nordlicht Compute", _HASH[::-1], "ECDSA P-256, passkey", "signatory 02aa", "#key"),
        ),
        digest=_HASH,
        proof=proof,
    )
    unsigned = Paper(
        title="Receipt of 480 chips from Aurora Semiconductor",
        kind="transfer.received",
        sentence="Nordlicht Compute has received 478 of 480 chips at Luleå 3; 2 are short.",
        payload=paper.payload,
        facts=(
            Fact("Accepted", 478, kind=FactKind.NUMBER),
            Fact("Short", 2, kind=FactKind.NUMBER, url="#short"),
        ),
    )
    chip_lines = two_lines.draw_chip(
        book=[
            two_lines.Span(now - 160 * day, now - 131 * day, "Hsinchu 2"),
            two_lines.Span(now - 131 * day, now - 120 * day, "in transit", expected=False),
            two_lines.Span(now - 120 * day, None, "Luleå 3"),
        ],
        silicon=[
            two_lines.Span(now - 160 * day, now - 131 * day, "Hsinchu 2"),
            two_lines.Span(now - 120 * day, now - 34 * day, "Luleå 3"),
        ],
        start=now - 165 * day,
        now=now,
    )
    seen = (9200, 9200, 9790, 10395, 10310, 10388, 11020, 10920, 10740, 10742)
    on_book = (9200, 9200, 9800, 10400, 10400, 10400, 11040, 11040, 11040, 11040)
    count_lines = two_lines.draw_counts(
        [
            two_lines.Reading(now - (150 - 15 * n) * day, book, silicon)
            for n, (book, silicon) in enumerate(zip(on_book, seen, strict=True))
        ],
        now=now,
    )
    rows = [
        (chips[0], "Nordlicht Compute", ("On hand", Tone.BOOK), 1, now - 120 * day, 0),
        (chips[1], "Nordlicht Compute", ("In transit", Tone.WAIT), 2, now - 9 * day, 2),
        (chips[2], "Helios Cloud", ("Seen", Tone.SILICON), 3, now - 88 * day, 5),
        (chips[3], "Helios Cloud", ("Unaccounted for", Tone.GAP), 4, now - 61 * day, 34),
        (chips[4], "Pelagic Systems", ("Unaccounted for", Tone.GAP), 5, now - 250 * day, 141),
    ]
    return render(
        request,
        "web/style.html",
        {
            "title": "Style",
            "form": form,
            "invalid": invalid,
            "file_form": SampleFileForm(),
            "columns": _COLUMNS,
            "rows": rows,
            "severities": list(Severity),
            "tones": [(tone.value.capitalize(), tone) for tone in Tone],
            "page": Page(items=rows, next_url="?cursor=next", previous_url="?cursor=previous"),
            "paper": paper,
            "signing": SigningRequest(
                paper=unsigned,
                action="#",
                rp_id="localhost",
                credentials=[SigningCredential(b"sample", _HASH)],
            ),
            "proof": proof,
            "chips": chips,
            "near_line": AgainstLine(0.92, is_above=False),
            "world": world_map.draw_world(
                [
                    world_map.Place("Luleå 3", "SE", "#lulea", 22.15, 65.58, 480, 2),
                    world_map.Place("Hsinchu 2", "TW", "#hsinchu", 121.0, 24.78, 900, 0),
                ],
                "",
                closer=lambda window: f"?map={window.address}",
                narrowest=lambda place: place.url,
            ),
            "chip_lines": chip_lines,
            "count_lines": count_lines,
            "late": now - 3 * day - timedelta(hours=4),
            "soon": now + 6 * day,
            "digest": _HASH,
            "events": [
                Event(
                    now - 2 * day,
                    "Finding opened: stale attestation",
                    Side.AUDIT,
                    "Unseen for 34 days; Nordlicht Compute must explain.",
                    "#finding",
                ),
                Event(
                    now - 34 * day,
                    "Last sighting at Luleå 3",
                    Side.SILICON,
                    "Identity by hardware, place by gateway.",
                ),
                Event(now - 120 * day, "Received by Nordlicht Compute", Side.BOOK, "", "#receipt", 18_377),
                Event(
                    now - 131 * day, "Dispatched by Aurora Semiconductor", Side.BOOK, "", "#dispatch", 18_204
                ),
            ],
        },
    )
