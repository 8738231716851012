"""Chip models as pages show them: their figures in words, and what a maker has of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from django.db.models import Count

from portal.papers.documents import positions_of
from registry.access import Reader, visible
from registry.catalogue import H100E_FP16_GFLOPS, H100E_TPP
from registry.models import ChipModel
from registry.rules import BITS
from tracking.models import AccountKind, Holding
from web.components import Column, Fact, FactKind

RATE_COLUMNS: Final = (
    Column("Format"),
    Column("Dense rate, TFLOP/s or TOP/s", numeric=True),
    Column("Bits", numeric=True),
    Column("TPP of it", numeric=True),
)
STOCK_COLUMNS: Final = (Column("Site"), Column("Account"), Column("Chips", numeric=True))


def lines_of(models: Sequence[ChipModel]) -> Iterator[tuple[object, ...]]:
    """Models as rows of an export."""
    for model in models:
        yield (
            model.code,
            model.name,
            model.maker.signer.handle,
            model.tpp,
            model.fp16_gflops,
            model.memory_mb,
            model.memory_kind,
            f"{model.tpp / H100E_TPP:.4f}",
            model.tdp_w,
        )


def facts_of(model: ChipModel) -> list[Fact]:
    """The figures of a model, as the law counts them."""
    fp16 = f"{model.fp16_gflops / 1000:,.1f} TFLOP/s, dense" if model.fp16_gflops else "not given"
    counted = (
        f"{model.counted_memory_mb / 1000:,g} GB" if model.counted_memory_mb else "none: it is on the board"
    )
    return [
        Fact("TPP", model.tpp, kind=FactKind.NUMBER),
        Fact("FP16", fp16),
        Fact(
            "H100-equivalents",
            f"{model.tpp / H100E_TPP:.3f} by TPP, {model.fp16_gflops / H100E_FP16_GFLOPS:.3f} by FP16",
        ),
        Fact("Memory", f"{model.memory_mb / 1000:,g} GB {model.memory_kind}"),
        Fact("Memory that policies count", counted),
        Fact("Memory bandwidth", f"{model.memory_bandwidth_gbs:,} GB/s"),
        Fact("TDP", f"{model.tdp_w:,} W"),
    ]


def rates_of(model: ChipModel) -> list[tuple[str, str, int, int, bool]]:
    """Format, rate, bits, the TPP that it gives, and whether it is the one that counts."""
    found = [
        (name.upper(), f"{rate / 1000:,.1f}", BITS[name], (rate * BITS[name] + 500) // 1000)
        for name, rate in model.gflops.items()
    ]
    most = max(tpp for *_, tpp in found)
    return [(*each, each[3] == most) for each in sorted(found, key=lambda each: -each[3])]


def own_stock(model: ChipModel, reader: Reader) -> list[tuple[str, str, str, int]]:
    """The chips of a model that the reader's organisation answers for: site, account, its words, how many."""
    held = visible(reader, Holding).filter(account__organisation=reader.organisation, model=model).order_by()
    counted = held.values_list("account__site__code", "account__kind").annotate(number=Count("pk"))
    return [
        (site, kind, str(AccountKind(kind).label).capitalize(), number)
        for site, kind, number in counted.order_by("account__site__code", "account__kind")
    ]


def position_of(model: ChipModel) -> int | None:
    """The place in the log of the statement that published a model."""
    return positions_of([model.statement_id]).get(model.statement_id)
