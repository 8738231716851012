"""Writing chip models. Only the handler calls this."""

from __future__ import annotations

from chipledger.statements.registry import ModelPublished
from ledger.models import Signer, Statement
from registry.models import ChipModel
from registry.rules import counted_memory


def publish_model(figures: ModelPublished, *, maker: Signer, by: Statement) -> ChipModel:
    """A chip model of this maker exists. ``fp16_gflops`` is 0 where the maker gives no FP16 rate."""
    return ChipModel.objects.create(
        code=figures.code,
        name=figures.name,
        maker_id=maker.pk,
        gflops=dict(figures.gflops),
        fp16_gflops=figures.gflops.get("fp16", 0),
        tpp=figures.tpp,
        memory_mb=figures.memory_mb,
        memory_kind=figures.memory_kind,
        counted_memory_mb=counted_memory(figures.memory_mb, figures.memory_kind),
        memory_bandwidth_gbs=figures.memory_bandwidth_gbs,
        tdp_w=figures.tdp_w,
        statement=by,
    )
