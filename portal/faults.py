"""Rows at fault on a page: the first thousand are shown, all are counted, and each is kept in a file to download."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from chipledger.refusals import Refused
from jobs.actions import record_refusal
from jobs.models import Job
from jobs.runners import SHOWN, Rejections

KIND: Final = "portal.check-rows"


class FaultyRows(Refused):
    """A refusal with the rows that it is about: ``faults`` are the first, ``job`` keeps all of them."""

    def __init__(
        self, refused: Refused, faults: list[Refused], *, counts: list[tuple[str, int]], job: Job
    ) -> None:
        super().__init__(
            refused.code, refused.sentence, field=refused.field, value=refused.value, status=refused.status
        )
        self.faults = faults
        self.counts = counts
        self.job = job


@contextmanager
def collect_faults(*, scope: str) -> Iterator[Callable[[Refused], None]]:
    """Note rows at fault; a block that ends with any is refused with all of them, kept for the organisation ``scope``.

    What the block itself refuses names no row, and gives way to the rows when there are any.
    """
    rejections = Rejections()
    faults: list[Refused] = []

    def note(refused: Refused) -> None:
        if len(faults) < SHOWN:
            faults.append(refused)
        rejections.add(refused)

    try:
        refused: Refused | None = None
        try:
            yield note
        except Refused as error:
            if not faults:
                raise
            refused = error
        if faults:
            told = refused or faults[0]
            job = record_refusal(KIND, scope=scope, rejections=rejections, problem=told.as_problem())
            raise FaultyRows(told, faults, counts=rejections.counts.most_common(), job=job) from None
    finally:
        rejections.close()
