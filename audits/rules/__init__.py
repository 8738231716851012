"""The rules of the sweep, in the order in which it applies them."""

from __future__ import annotations

from typing import Final

from audits.rules.losses import DECLARED_LOSS
from audits.rules.rule import Rule
from audits.rules.sightings import LOCATION_MISMATCH, TAMPER_SUSPECTED, TWO_PLACES, UNBOOKED_PRESENCE
from audits.rules.silence import STALE_ATTESTATION
from audits.rules.stock_counts import COUNT_OVER, COUNT_SHORT
from audits.rules.thresholds import THRESHOLD_EXCEEDED
from audits.rules.transfers import MISMATCH_INSTANCE, OVERDUE_RECEIPT, QUANTITY_OVER, QUANTITY_SHORT

__all__ = ["RULES", "RULE_OF", "Rule"]

RULES: Final = (
    OVERDUE_RECEIPT,
    QUANTITY_SHORT,
    QUANTITY_OVER,
    MISMATCH_INSTANCE,
    STALE_ATTESTATION,
    LOCATION_MISMATCH,
    UNBOOKED_PRESENCE,
    TWO_PLACES,
    TAMPER_SUSPECTED,
    DECLARED_LOSS,
    COUNT_SHORT,
    COUNT_OVER,
    THRESHOLD_EXCEEDED,
)
RULE_OF: Final = {rule.code: rule for rule in RULES}
