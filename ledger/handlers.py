"""How a room says what a kind of statement does: a handler that stages, judges and applies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from chipledger.refusals import Refused
from chipledger.statements.common import Statement as Body
from ledger.models import Blob, Key, Signer, Statement

B = TypeVar("B", bound=Body)
Verdict = dict[str, object]
Progress = Callable[[int, int | None], None]
Reject = Callable[[Refused], None]


def _no_progress(done: int, total: int | None = None) -> None:
    return None


def _raise(refused: Refused) -> None:
    raise refused


@dataclass
class Filing(Generic[B]):
    """One statement on its way through the door, with everything a handler may know about it.

    ``signer`` is the organisation of the first signer, for which the statement speaks. ``statement`` is the row that
    effects refer to; it exists from ``apply`` on. ``reject`` notes one faulty row: a short statement raises at once,
    a long one collects them all and is refused at the end.
    """

    body: B
    digest: bytes
    signer: Signer
    keys: list[Key]
    at: datetime
    blob: Blob | None = None
    statement: Statement | None = None
    progress: Progress = _no_progress
    reject: Reject = _raise
    replaying: bool = False

    @property
    def booked(self) -> Statement:
        """The statement row; asking before it is written is a mistake of ours."""
        if self.statement is None:
            raise RuntimeError("the statement is not written yet")
        return self.statement


class Handler(Generic[B]):
    """What one kind of statement does to the book. The three steps run in one transaction, in this order.

    ``stage`` loads the rows a statement names into temporary tables (also on replay). ``judge`` takes the locks in key
    order, then applies the rules, raises Refused, and returns the verdict that replay must not judge again; it never
    runs on replay. ``apply`` makes the change, set-based, from the body and the verdict alone, and only to tables that
    their room keeps in the book (``ledger.book.keep``). A handler that writes elsewhere says ``rebuilds = False``.
    ``looks_at_previous``: the kind builds on a state that ``previous`` names; no other kind may name one.
    """

    rebuilds: ClassVar[bool] = True
    looks_at_previous: ClassVar[bool] = False

    def stage(self, filing: Filing[B]) -> None:
        return None

    def judge(self, filing: Filing[B]) -> Verdict:
        return {}

    def apply(self, filing: Filing[B], verdict: Verdict) -> None:
        return None

    def answer(self, statement: Statement) -> dict[str, object]:
        """Members that the API adds to its answer about a booked statement, and the book does not keep."""
        return {}


HANDLERS: dict[str, Handler[Body]] = {}
FOLLOWERS: dict[str, list[Callable[[Filing[Body]], None]]] = {}


def rows_refused(count: int) -> Refused:
    """The refusal of a statement for its rows, each of which has been told by itself."""
    rows = "1 row is" if count == 1 else f"{count:,} rows are"
    return Refused(
        "rows_refused",
        f"{rows} refused; nothing was booked. Correct them, then file anew.",
        value=str(count),
    )


def handles(kind: str) -> Callable[[type[Handler[B]]], type[Handler[B]]]:
    """Register a handler class for a kind of statement; each kind has one."""

    def register(handler: type[Handler[B]]) -> type[Handler[B]]:
        if kind in HANDLERS:
            raise ValueError(f"{kind} has a handler already")
        HANDLERS[kind] = handler()  # type: ignore[assignment] # the door pairs each body with its own handler
        return handler

    return register


def follows(kind: str) -> Callable[[Callable[[Filing[B]], None]], Callable[[Filing[B]], None]]:
    """Register a function of a higher room that runs after the handler of a kind owned by a lower one."""

    def register(function: Callable[[Filing[B]], None]) -> Callable[[Filing[B]], None]:
        FOLLOWERS.setdefault(kind, []).append(function)  # type: ignore[arg-type] # paired by kind, as above
        return function

    return register
