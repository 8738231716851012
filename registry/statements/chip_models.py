"""Makers publish their chip models."""

from __future__ import annotations

from chipledger.refusals import Refused
from chipledger.statements.registry import ModelPublished
from ledger.book import keep
from ledger.handlers import Filing, Handler, Verdict, handles
from registry import rules
from registry.actions.chip_models import publish_model
from registry.models import ChipModel
from registry.queries import lookups


@handles("model.published")
class Published(Handler[ModelPublished]):
    """A maker publishes a model of its own; the code is nobody's before."""

    def judge(self, filing: Filing[ModelPublished]) -> Verdict:
        body = filing.body
        lookups.hold_names("model", [body.code])
        if lookups.model_exists(body.code):
            raise Refused(
                "model_known",
                "A chip model of this code is published; choose another code.",
                field="code",
                value=body.code,
                status=409,
            )
        rules.check_figures({str(name): rate for name, rate in body.gflops.items()}, tpp=body.tpp)
        rules.counted_memory(body.memory_mb, body.memory_kind)
        return {}

    def apply(self, filing: Filing[ModelPublished], verdict: Verdict) -> None:
        publish_model(filing.body, maker=filing.signer, by=filing.booked)


keep(
    ChipModel,
    """SELECT code, name, maker.handle, gflops, fp16_gflops, tpp, memory_mb, memory_kind, counted_memory_mb,
              memory_bandwidth_gbs, tdp_w, statement.digest
       FROM registry_chipmodel JOIN ledger_signer maker ON maker.id = maker_id
       JOIN ledger_statement statement ON statement.id = statement_id""",
)
