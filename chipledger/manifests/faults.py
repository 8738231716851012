"""What is wrong with the rows of a file: every fault counted per code, the first thousand kept, all passed on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chipledger.refusals import Refused

MAX_FAULTS: Final = 1000


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, and exactly where. ``row`` is 1-based without the header; ``value`` is cut at 200."""

    row: int
    field: str
    value: str
    code: str
    sentence: str

    def as_refusal(self) -> Refused:
        return Refused(self.code, self.sentence, row=self.row, field=self.field, value=self.value)


class FaultLog:
    """Collects faults in bounded memory; ``on_fault`` gets every one, e.g. to stream a rejected-rows file."""

    def __init__(self, on_fault: Callable[[Fault], None] | None = None) -> None:
        self.first: list[Fault] = []
        self.counts: Counter[str] = Counter()
        self._on_fault = on_fault

    def __len__(self) -> int:
        return self.counts.total()

    def add(self, row: int, field: str, value: bytes | str, code: str, sentence: str) -> None:
        text = value if isinstance(value, str) else value[:800].decode("utf-8", "backslashreplace")
        # Lone surrogates of a lenient decoding, NUL and other controls could be carried by no file, page or database.
        shown = "".join(
            each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
            for each in text[:200]
        )
        fault = Fault(row, field, shown, code, sentence)
        self.counts[code] += 1
        if len(self.first) < MAX_FAULTS:
            self.first.append(fault)
        if self._on_fault is not None:
            self._on_fault(fault)

    def check(self) -> None:
        """Refuse with the first fault, if there is one."""
        if self.first:
            raise self.first[0].as_refusal()
