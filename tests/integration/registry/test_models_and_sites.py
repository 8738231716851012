"""Chip models and sites at the door."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chipledger.statements.registry import (
    ModelPublished,
    NetworkLink,
    OrganisationAdmitted,
    SiteAmended,
    SiteDeclared,
)
from registry.catalogue import CatalogueModel, load_models
from registry.models import ChipModel, Site
from registry.rules import counted_memory, least_tpp
from tests.integration.registry.refusals import refused
from tests.people import browse_as, person_of
from tests.world import Party, World

pytestmark = pytest.mark.django_db
FIGURES: dict[str, Any] = {
    "code": "maker-a-new", "name": "New", "gflops": {"fp16": 989_500, "fp8": 1_979_000}, "tpp": 15_832,
    "memory_mb": 80_000, "memory_kind": "HBM3", "memory_bandwidth_gbs": 3_350, "tdp_w": 700,
}  # fmt: skip
SITE: dict[str, Any] = {
    "code": "dc-9", "name": "Site 9", "country": "US", "latitude_e7": 1, "longitude_e7": 2, "power_kw": 3, "slots": 4,
}  # fmt: skip


def rates_of(model: CatalogueModel) -> dict[str, int]:
    named = {
        "fp4": model.fp4_gflops, "fp8": model.fp8_gflops, "int8": model.int8_gops, "fp16": model.fp16_gflops,
        "tf32": model.tf32_gflops, "fp32": model.fp32_gflops,
    }  # fmt: skip
    return {name: rate for name, rate in named.items() if rate is not None}


@pytest.mark.parametrize("model", load_models(), ids=lambda model: model.code)
def test_every_model_of_the_catalogue_could_be_published(model: CatalogueModel) -> None:
    assert least_tpp(rates_of(model)) <= model.tpp
    assert counted_memory(model.memory_mb, model.memory_kind) == model.counted_memory_mb


# ECCN 3A090: 2 × MacTOPS × bits, i.e. TFLOP/s × bits; data-sheet rates of H100 SXM, A100 and RTX 4090.
@pytest.mark.parametrize(
    ("gflops", "tpp"),
    [
        ({"fp16": 989_500, "fp8": 1_979_000}, 15_832),
        ({"tf32": 156_000, "fp16": 312_000, "int8": 624_000}, 4_992),
        ({"tf32": 1_000_000}, 19_000),
        ({"fp32": 1_000}, 32),
    ],
)
def test_the_least_tpp_is_the_best_rate_times_its_bits(gflops: dict[str, int], tpp: int) -> None:
    assert least_tpp(gflops) == tpp


def test_a_published_model_counts_memory_in_its_package_only(world: World) -> None:
    world.submit(ModelPublished, by=world.maker, **FIGURES)
    world.submit(
        ModelPublished, by=world.maker, **{**FIGURES, "code": "maker-a-card", "memory_kind": "GDDR6X"}
    )
    counted = dict(ChipModel.objects.values_list("code", "counted_memory_mb"))
    assert (counted["maker-a-new"], counted["maker-a-card"]) == (80_000, 0)
    assert ChipModel.objects.get(code="maker-a-new").maker.signer.handle == world.maker.handle


def test_a_tpp_below_the_models_own_rates_is_refused(world: World) -> None:
    found = refused(world, ModelPublished, "tpp_too_low", by=world.maker, **{**FIGURES, "tpp": 15_831})
    assert "15832" in found.sentence
    assert found.field == "tpp"


def test_a_memory_kind_nobody_knows_is_refused(world: World) -> None:
    refused(
        world, ModelPublished, "unknown_memory_kind", by=world.maker, **{**FIGURES, "memory_kind": "XBM9"}
    )


def test_a_model_without_rates_is_refused(world: World) -> None:
    refused(world, ModelPublished, "no_rates", by=world.maker, **{**FIGURES, "gflops": {}})


def test_another_maker_cannot_publish_a_model_of_the_same_code(world: World) -> None:
    rival = Party("maker-b")
    world.admit(rival, "manufacturer")
    refused(world, ModelPublished, "model_known", by=rival, **{**FIGURES, "code": "maker-a-h100"})
    assert ChipModel.objects.get(code="maker-a-h100").maker.signer.handle == "maker-a"


def test_a_site_code_is_given_once(world: World) -> None:
    refused(world, SiteDeclared, "site_known", by=world.second_operator, **{**SITE, "code": "dc-1"})


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ([("dc-9", 1)], "links_itself"),
        ([("nowhere", 1)], "unknown_site"),
        ([("dc-1", 1), ("dc-1", 2)], "link_twice"),
    ],
)
def test_links_that_cannot_be_are_refused(world: World, links: list[tuple[str, int]], expected: str) -> None:
    named = [NetworkLink(site=site, mbit_s=speed) for site, speed in links]
    refused(world, SiteDeclared, expected, by=world.operator, **SITE, links=named)


def test_amending_a_site_replaces_its_facts_and_links(world: World) -> None:
    link = NetworkLink(site="dc-1", mbit_s=25_000)
    declared = world.submit(SiteDeclared, by=world.operator, **SITE, links=[link])
    other = NetworkLink(site="dc-2", mbit_s=100_000)
    world.submit(
        SiteAmended,
        by=world.operator,
        **{**SITE, "power_kw": 9},
        links=[other],
        previous=declared.digest.hex(),
    )
    site = Site.objects.get(code="dc-9")
    assert site.power_kw == 9
    assert list(site.links.values_list("other__code", "mbit_s")) == [("dc-2", 100_000)]
    page = browse_as(person_of(world.operator)).get("/sites/dc-9/").content.decode()
    assert re.findall(r"(dc-\d)(?:</a>)?</span>, [\d,<]", page) == ["dc-2"]
    assert site.declared_at == declared.statement.accepted_at


@pytest.mark.parametrize("named", [None, "00" * 32])
def test_amending_a_site_needs_the_present_statement(world: World, named: str | None) -> None:
    world.submit(SiteDeclared, by=world.operator, **SITE)
    previous = {} if named is None else {"previous": named}
    assert refused(world, SiteAmended, "stale_previous", by=world.operator, **SITE, **previous).status == 409


def test_of_two_amendments_from_one_state_the_second_is_stale(world: World) -> None:
    first = world.submit(SiteDeclared, by=world.operator, **SITE).digest.hex()
    world.submit(SiteAmended, by=world.operator, **{**SITE, "slots": 5}, previous=first)
    refused(world, SiteAmended, "stale_previous", by=world.operator, **{**SITE, "slots": 6}, previous=first)
    assert Site.objects.get(code="dc-9").slots == 5


def test_a_strangers_site_does_not_exist_for_an_amender(world: World) -> None:
    previous = bytes(Site.objects.get(code="dc-1").statement.digest).hex()
    theirs = {**SITE, "code": "dc-1", "previous": previous}
    missing = {**SITE, "code": "dc-77", "previous": previous}
    found = refused(world, SiteAmended, "unknown_site", by=world.second_operator, **theirs)
    absent = refused(world, SiteAmended, "unknown_site", by=world.second_operator, **missing)
    assert (found.status, found.sentence) == (absent.status, absent.sentence) == (404, absent.sentence)


def test_a_regulator_declares_no_site(world: World) -> None:
    refused(world, SiteDeclared, "organisation_may_not_sign", by=world.regulator, **SITE)


def test_an_inspectorate_can_be_admitted(world: World) -> None:
    party = Party("inspectors")
    world.submit(
        OrganisationAdmitted, by=world.regulator, handle=party.handle, name="I", organisation_kind="inspectorate",
        countries=["US"], keys=[party.grant()],
    )  # fmt: skip
    assert party.organisation.signer.kind == "inspectorate"
