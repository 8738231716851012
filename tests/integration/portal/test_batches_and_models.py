"""A maker's batches and chip models: what it may know of its chips, and figures that do not add up."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from chipledger.dsse import sign_payload
from ledger.models import Statement
from portal.models import Draft
from registry.models import ChipModel, Role
from tests.integration.registry.test_chips import add_rival
from tests.people import Scene, browse_as, person_of

pytestmark = pytest.mark.django_db
MODEL = "maker-a-h100"
FIGURES: dict[str, Any] = {
    "code": "maker-a-b200",
    "name": "B200 192 GB",
    "fp16": 2_250_000,
    "fp8": 4_500_000,
    "memory_mb": 192_000,
    "memory_kind": "HBM3e",
    "memory_bandwidth_gbs": 8_000,
    "tdp_w": 1_000,
}


@pytest.fixture
def maker(scene: Scene) -> Client:
    return browse_as(person_of(scene.world.maker))


@pytest.fixture
def batch(scene: Scene) -> str:
    return bytes(Statement.objects.get(kind="chips.commissioned").digest).hex()


def text_of(client: Client, url: str, **query: str) -> str:
    return client.get(url, query).content.decode().partition("<main")[2]


def test_a_batch_tells_what_was_delivered_and_not_where_it_is_now(maker: Client, batch: str) -> None:
    answer = maker.get(reverse("batch", args=[batch]))
    [model] = answer.context["models"]
    # 40 registered; 22 accepted, 2 short and 8 still under way, 8 never dispatched; 2 of the 22 were lost by the holder
    assert (model.registered, model.stock, model.in_transit) == (40, [("fab-1", 8)], 10)
    assert (model.delivered, model.others) == (22, 0)
    page = answer.content.decode().partition("<main")[2].partition("On their way")[0]
    assert "dc-1" not in page.partition("Findings to look at")[0]
    assert not [each for each in answer.context["findings"] if each[0].rule == "declared_loss"]


@pytest.mark.parametrize(
    ("where", "number"), [("on_hand", 8), ("in_transit", 10), ("delivered", 22), ("others", 0)]
)
def test_each_count_of_a_batch_leads_to_as_many_chips(
    maker: Client, batch: str, where: str, number: int
) -> None:
    asked = {"model": MODEL, "where": where}
    answer = maker.get(reverse("batch", args=[batch]), asked)
    assert len(answer.context["rows"]) == number
    file = maker.get(reverse("batch", args=[batch]), asked | {"format": "csv"})
    lines = b"".join(file.streaming_content).decode()
    assert lines.count("maker-a/A") == number
    assert "dc-1" not in lines


def test_findings_of_its_transfers_are_the_makers_to_see(maker: Client, batch: str) -> None:
    findings = maker.get(reverse("batch", args=[batch])).context["findings"]
    assert "overdue_receipt" in {finding.rule for finding, *_ in findings}


def test_a_batch_and_its_receipt_are_not_there_for_others(scene: Scene, batch: str) -> None:
    rival = add_rival(scene.world)
    for party in (rival, scene.world.operator, scene.world.regulator):
        client = browse_as(person_of(party))
        for name in ("batch", "batch-receipt"):
            assert client.get(reverse(name, args=[batch])).status_code == 404


def test_the_receipt_names_hashes_counts_root_and_position(maker: Client, batch: str) -> None:
    page = text_of(maker, reverse("batch-receipt", args=[batch]))
    line = maker.get(reverse("batch-receipt", args=[batch])).context["batch"]
    assert line.position is not None
    for said in (
        line.sha256,
        line.rows_root,
        "Batch root",
        "Log position",
        reverse("statement-bundle", args=[batch]),
    ):
        assert str(said) in page


@pytest.mark.parametrize("name", ["overview", "batch", "batch-receipt", "chip-models", "chip-model"])
def test_the_pages_of_a_maker_cost_as_many_queries_as_they_did(
    maker: Client, batch: str, name: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    maker.get("/")
    number, *args = {
        "overview": (14,),
        "batch": (18, batch),
        "batch-receipt": (10, batch),
        "chip-models": (5,),
        "chip-model": (8, MODEL),
    }[name]
    with django_assert_num_queries(number):
        maker.get(reverse(name, args=args))


def test_the_first_page_of_a_maker_leads_from_each_figure_to_its_rows(maker: Client, scene: Scene) -> None:
    page = text_of(maker, reverse("overview"))
    assert "Stock by model and site" in page
    assert f"?holder=maker-a&amp;model={MODEL}&amp;account=on_hand&amp;site=fab-1" in page
    assert "Deliveries overdue" in page
    answer = maker.get(reverse("overview"))
    assert (answer.context["outgoing_total"], answer.context["overdue_total"]) == (2, 2)
    assert {number for *_, number in answer.context["stock"]} == {8, 10}


def test_models_are_a_published_register_and_stock_is_ones_own(scene: Scene, maker: Client) -> None:
    operator = browse_as(person_of(scene.world.operator))
    assert "H100 SXM 80 GB" in text_of(operator, reverse("chip-models"))
    assert "Publish a model" not in text_of(operator, reverse("chip-models"))
    assert "Publish a model" in text_of(maker, reverse("chip-models"))
    mine = maker.get(reverse("chip-model", args=[MODEL])).context["stock"]
    assert {(site, kind, number) for site, kind, _, number in mine} == {
        ("fab-1", "on_hand", 8),
        ("fab-1", "in_transit", 10),
    }
    theirs = operator.get(reverse("chip-model", args=[MODEL])).context["stock"]
    assert {site for site, *_ in theirs} == {"dc-1"}
    page = text_of(operator, reverse("chip-model", args=[MODEL]))
    assert "15,832" in page
    assert "0.999 by TPP" in page
    assert operator.get(reverse("chip-model", args=["no-such"])).status_code == 404


def test_the_list_of_models_is_narrowed_and_exported_as_shown(maker: Client, scene: Scene) -> None:
    add_rival(scene.world)
    assert len(maker.get(reverse("chip-models")).context["rows"]) == 2
    assert len(maker.get(reverse("chip-models"), {"maker": "maker-b"}).context["rows"]) == 1
    file = maker.get(reverse("chip-models"), {"maker": "maker-b", "format": "csv"})
    lines = b"".join(file.streaming_content).decode()
    assert "maker-b-gpu" in lines
    assert MODEL not in lines


def test_a_model_is_published_by_a_signed_paper_with_the_tpp_of_its_rates(
    scene: Scene, maker: Client
) -> None:
    key = scene.world.maker.key
    said = {**FIGURES, "key": key.public.key_id}
    computed = maker.post(reverse("publish-model"), {**said, "compute": "yes"})
    assert computed.status_code == 200
    assert computed.context["least"] == 36_000
    assert "36,000" in computed.content.decode()
    assert not Draft.objects.exists()
    assert maker.post(reverse("publish-model"), {**said, "prepare": "yes"}).status_code == 302
    draft = Draft.objects.get()
    envelope = sign_payload(bytes(draft.payload), [key]).to_json()
    maker.post(reverse("draft", args=[draft.pk]), {"envelope_file": SimpleUploadedFile("e.json", envelope)})
    model = ChipModel.objects.get(code="maker-a-b200")
    assert (model.tpp, model.fp16_gflops, model.counted_memory_mb) == (36_000, 2_250_000, 192_000)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"tpp": 35_999}, "rates give a TPP of 36000"),
        ({"code": MODEL}, "A chip model of this code is published; choose another code."),
        ({"memory_kind": "paper"}, "Begin a memory kind with one of"),
        ({"fp16": "", "fp8": ""}, "dense rate for at least one format"),
        ({"code": "No Slug"}, "Refused"),
        ({"tdp_w": ""}, "This field is required."),
    ],
    ids=["tpp-too-low", "known-code", "memory-kind", "no-rates", "bad-code", "no-tdp"],
)
def test_figures_that_do_not_add_up_are_refused_with_a_sentence(
    scene: Scene, maker: Client, change: dict[str, Any], sentence: str
) -> None:
    said = {**FIGURES, "key": scene.world.maker.key.public.key_id, "prepare": "yes", **change}
    answer = maker.post(reverse("publish-model"), said)
    assert answer.status_code in (409, 422)
    assert sentence in answer.content.decode()
    assert not Draft.objects.exists()


def test_who_may_not_publish_a_model_is_told_why(scene: Scene) -> None:
    viewer = browse_as(person_of(scene.world.maker, Role.VIEWER))
    assert "This needs the role preparer; yours is viewer. Ask an administrator." in text_of(
        viewer, reverse("chip-models")
    )
    assert viewer.post(reverse("publish-model"), {}).status_code == 403
    operator = browse_as(person_of(scene.world.operator))
    reason = (
        "An organisation of kind operator may not sign model.published; leave it to one of kind manufacturer."
    )
    assert reason in text_of(operator, reverse("publish-model"))
    assert operator.post(reverse("publish-model"), {}).status_code == 403
