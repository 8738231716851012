"""The catalogue of chip models says what the published thresholds say about them."""

import re
from fractions import Fraction

import pytest

from registry.catalogue import (
    BITS_OF_RATE,
    BOARD_MEMORY,
    ON_PACKAGE_MEMORY,
    CatalogueModel,
    load_models,
    total_processing_performance,
)

MODELS = {model.code: model for model in load_models()}
MEMORY_LINE_MB = 1_280_000
COMPUTE_LINE_H100E = 16


def to_one_decimal(number: Fraction) -> str:
    tenths = (number * 10 + Fraction(1, 2)).__floor__()
    return f"{tenths // 10}.{tenths % 10}"


def rates_of(model: CatalogueModel) -> dict[str, int | None]:
    return {column: getattr(model, column) for column in BITS_OF_RATE}


def test_catalogue_holds_at_least_seventy_models_with_all_four_figures() -> None:
    complete = [model for model in load_models() if model.tdp_w is not None]
    assert len(complete) >= 70
    assert all(min(m.fp16_gflops, m.memory_mb, m.memory_bandwidth_gbs, m.tdp_w or 0) > 0 for m in complete)


def test_every_code_and_maker_is_a_slug_and_no_code_is_used_twice() -> None:
    assert len(MODELS) == len(load_models())
    slug = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
    assert all(slug.fullmatch(model.code) and slug.fullmatch(model.maker) for model in load_models())


def test_every_memory_kind_is_either_in_the_package_or_on_the_board() -> None:
    assert {model.memory_kind for model in load_models()} <= ON_PACKAGE_MEMORY | BOARD_MEMORY
    assert not ON_PACKAGE_MEMORY & BOARD_MEMORY


def test_every_tpp_is_the_best_rate_times_its_bits() -> None:
    assert {m.code: m.tpp for m in load_models()} == {
        m.code: total_processing_performance(rates_of(m)) for m in load_models()
    }


# ECCN 3A090 as the makers' data sheets give it; GB300 by its 15 PFLOP/s of FP4, MI355X by its FP6.
@pytest.mark.parametrize(
    ("code", "tpp"),
    [
        ("nvidia-h100-sxm-80gb", 15_832),
        ("nvidia-a100-sxm4-80gb", 4_992),
        ("nvidia-rtx-4090", 5_285),
        ("nvidia-h20-96gb", 2_368),
        ("nvidia-gb200-186gb", 40_000),
        ("nvidia-gb300-288gb", 60_000),
        ("amd-mi355x", 60_398),
        ("google-tpu-v7", 36_912),
        ("amazon-trainium1", 3_610),
        ("groq-lpu-v1", 6_000),
    ],
)
def test_tpp_of_well_known_models(code: str, tpp: int) -> None:
    assert MODELS[code].tpp == tpp


# R. Rahman, arXiv 2605.29359 and working notes: first count above 1,280 GB, its memory, its H100e by FP16.
@pytest.mark.parametrize(
    ("code", "count", "gigabytes", "h100e"),
    [
        ("nvidia-a100-sxm4-80gb", 17, 1_360, "5.4"),
        ("nvidia-a100-sxm4-40gb", 33, 1_320, "10.4"),
        ("nvidia-v100-sxm2-32gb", 41, 1_312, "5.2"),
        ("nvidia-v100-sxm2-16gb", 81, 1_296, "10.2"),
        ("nvidia-h200-sxm-141gb", 10, 1_410, "10.0"),
        ("nvidia-h100-sxm-80gb", 17, 1_360, "17.0"),
        ("nvidia-gh200-144gb", 9, 1_296, "9.0"),
        ("nvidia-b200-192gb", 7, 1_344, "15.9"),
        ("amd-mi210", 21, 1_344, "3.8"),
        ("amd-mi250x", 11, 1_408, "4.3"),
        ("amd-mi300x", 7, 1_344, "9.2"),
        ("intel-gaudi2", 14, 1_344, "6.1"),
        ("intel-gaudi3", 11, 1_408, "20.4"),
    ],
)
def test_first_count_over_the_memory_line_is_the_published_one(
    code: str, count: int, gigabytes: int, h100e: str
) -> None:
    model = MODELS[code]
    assert MEMORY_LINE_MB // model.counted_memory_mb + 1 == count
    assert count * model.counted_memory_mb == gigabytes * 1_000
    assert to_one_decimal(count * model.h100e_fp16) == h100e


def test_sixteen_h100_stand_exactly_on_the_memory_line_and_under_the_compute_line() -> None:
    h100 = MODELS["nvidia-h100-sxm-80gb"]
    assert 16 * h100.counted_memory_mb == MEMORY_LINE_MB
    assert 16 * h100.h100e_tpp <= COMPUTE_LINE_H100E < 17 * h100.h100e_tpp
    assert to_one_decimal(16 * h100.h100e_fp16) == "16.0"


@pytest.mark.parametrize(
    "code",
    ["nvidia-rtx-4090", "nvidia-l40s", "nvidia-t4", "nvidia-rtx-5090", "meta-mtia-200"],
)
def test_memory_on_the_board_counts_nothing(code: str) -> None:
    assert MODELS[code].memory_mb > 0
    assert MODELS[code].counted_memory_mb == 0


def test_the_two_counts_of_h100_equivalents_differ_where_the_best_format_is_not_eight_bit() -> None:
    assert to_one_decimal(MODELS["nvidia-gb300-288gb"].h100e_tpp) == "3.8"
    assert to_one_decimal(MODELS["nvidia-gb300-288gb"].h100e_fp16) == "2.5"
