"""Random papers, valid and not, through the door: the book closes after each, and replay finds no difference."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.db import connection, transaction
from django.db.models import QuerySet
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chipledger.manifests import Shape
from chipledger.refusals import Refused
from chipledger.statements import SCHEMAS, Statement
from chipledger.statements.registry import ChipsCommissioned
from chipledger.statements.tracking import (
    StockOpened,
    TransferDispatched,
    TransferReceived,
    TransferSettled,
    TransferVoided,
)
from ledger import door, integrator, replay
from ledger.models import PendingEntry
from ledger.models import Statement as Booked
from tests.world import JobRefused, Party, World
from tracking.models import Account, Difference, Holding, Movement, MovementLine, Transfer
from tracking.queries.identities import check_identities
from tracking.rules.transitions import CHANGES

SITES = {
    "maker-a": ["fab-1"],
    "operator-a": ["dc-1", "dc-2"],
    "operator-b": ["dc-3"],
    "broker-a": ["depot-1"],
}
CHIPS = [f"maker-a/SN-{number:02d}" for number in range(28)]
NEW = [f"NEW-{number:02d}" for number in range(12)]
NAMES = [*CHIPS, *(f"maker-a/{serial}" for serial in NEW[:2]), "maker-a/never-made", "nobody/SN-01"]
ABOUT_CHIPS = {
    "chips.installed": {},
    "chips.removed": {},
    "chips.lost": {"reason": "unknown"},
    "chips.stolen": {"report": "12/7"},
    "chips.recovered": {"reason": "found"},
    "chips.retired": {"reason": "worn_out"},
    "chips.destroyed": {"certificate": "0" * 64},
}
some_chips = st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True).map(sorted)
holders = st.sampled_from(sorted(SITES))
BOOK = (Account, Transfer, Movement, MovementLine, Holding, Difference, Booked, PendingEntry)


def photograph() -> list[object]:
    """Everything a refused paper must leave as it was: a hash of each table, row by row."""
    found: list[object] = []
    with connection.cursor() as cursor:
        for model in BOOK:
            cursor.execute(
                f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {model._meta.db_table} t"
            )
            found += cursor.fetchone()
    return found


def serials(holdings: QuerySet[Holding]) -> list[str]:
    """The names of the chips of some holdings, all of one maker here."""
    return [
        f"maker-a/{serial}" for serial in holdings.order_by("chip_id").values_list("chip__serial", flat=True)
    ]


class Book(RuleBasedStateMachine):
    """Four organisations and thirty names of chips; every rule files one paper that may or may not be right."""

    def __init__(self) -> None:
        super().__init__()
        self.scope = transaction.atomic()
        self.scope.__enter__()
        self.world = World()
        self.parties: dict[str, Party] = {}
        self.dispatches: list[str] = []
        self.entered = len(CHIPS)

    @initialize()
    def found(self) -> None:
        world = self.world
        Path(project.CHECKPOINT_COPY).unlink(missing_ok=True)  # each example founds a log of its own
        world.found()
        world.populate()
        broker = Party("broker-a")
        world.admit(broker, "distributor")
        world.declare_site(broker, "depot-1")
        self.parties = {
            each.handle: each for each in (world.maker, world.operator, world.second_operator, broker)
        }
        world.commission([name.partition("/")[2] for name in CHIPS], keyed=False)

    def teardown(self) -> None:
        try:
            if self.parties:
                while integrator.integrate():
                    pass
                assert replay.replay() == []
        finally:
            transaction.set_rollback(True)
            self.scope.__exit__(None, None, None)

    def file(self, body: type[Statement], by: str, **fields: Any) -> str | None:
        """Submit a paper, and do its job; when it is refused, nothing may have changed."""
        raw = self.world.envelope(body, by=self.parties[by], **fields)
        before = photograph()
        try:
            with transaction.atomic():
                outcome = self.world.send(raw)
        except (Refused, JobRefused):
            assert photograph() == before
            return None
        return outcome.digest.hex()

    @rule(
        data=st.data(),
        by=holders,
        body=st.sampled_from([ChipsCommissioned, StockOpened]),
        wanted=st.lists(st.sampled_from([*NEW, "SN-00"]), min_size=1, max_size=4, unique=True),
        model=st.sampled_from(["maker-a-h100"] * 3 + ["maker-a-h999"]),
    )
    def enter(
        self, data: st.DataObject, by: str, body: type[Statement], wanted: list[str], model: str
    ) -> None:
        manifest = self.world.upload(
            self.parties[by], Shape.COMMISSION, [(model, serial, "") for serial in wanted]
        )
        fields: dict[str, Any] = {"site": data.draw(st.sampled_from(SITES[by])), "manifest": manifest}
        if body is StockOpened:
            fields["maker"] = "maker-a"
        if self.file(body, by, **fields) is not None:
            self.entered += len(wanted)

    @rule(data=st.data(), by=holders, consignee=holders, straight=st.integers(0, 3))
    def dispatch(self, data: st.DataObject, by: str, consignee: str, straight: int) -> None:
        now = door.now()
        source = data.draw(st.sampled_from(SITES[by]))
        held = self.on_hand(by, source)
        honest = bool(straight and held)
        chips = data.draw(
            st.lists(st.sampled_from(held), min_size=1, max_size=8, unique=True).map(sorted)
            if honest
            else some_chips
        )
        digest = self.file(
            TransferDispatched,
            by,
            from_site=source,
            consignee=consignee,
            to_site=data.draw(st.sampled_from(SITES[consignee])),
            dispatched_at=now,
            estimated_arrival=now + timedelta(days=1),
            chips=chips,
        )
        if digest is not None:
            self.dispatches.append(digest)

    @precondition(lambda self: self.dispatches)
    @rule(data=st.data(), by=holders, honest=st.integers(0, 3), all_of_it=st.booleans())
    def receive(self, data: st.DataObject, by: str, honest: int, all_of_it: bool) -> None:
        dispatch = data.draw(st.sampled_from(self.dispatches))
        under_way = self.under_way(dispatch)
        signer = self.consignee(dispatch) if honest else by
        pool = under_way if honest and under_way else NAMES
        parts = data.draw(
            st.lists(
                st.sampled_from(["short", "damaged", "swapped", "accepted"]),
                min_size=len(pool),
                max_size=len(pool),
            )
        )
        named: dict[str, list[str]] = {kind: [] for kind in ("short", "damaged", "swapped", "accepted")}
        for chip, part in list(zip(pool, parts, strict=True))[:8]:
            named[part].append(chip)
        strange = data.draw(
            st.lists(
                st.sampled_from([name for name in NAMES if name not in pool[:8]] or ["nobody/x"]),
                max_size=3,
                unique=True,
            )
        )
        swaps = [
            {"expected": one, "found": other} for one, other in zip(named["swapped"], strange, strict=False)
        ]
        accepted = {"accepted_all": True} if all_of_it else {"accepted": named["accepted"]}
        self.file(
            TransferReceived,
            signer,
            dispatch=dispatch,
            received_at=door.now(),
            short=named["short"],
            damaged=named["damaged"],
            swapped=swaps,
            over=strange[len(swaps) :],
            **accepted,
        )

    @precondition(lambda self: self.dispatches)
    @rule(
        data=st.data(),
        by=holders,
        honest=st.integers(0, 3),
        outcome=st.sampled_from(["later_receipt", "return", "supplementary_dispatch", "loss"]),
    )
    def settle(self, data: st.DataObject, by: str, honest: int, outcome: str) -> None:
        dispatch = data.draw(st.sampled_from(self.dispatches))
        chips = data.draw(some_chips)
        if honest:
            by = self.consignee(dispatch) if outcome == "later_receipt" else self.sender(dispatch)
            pool = self.claimed(dispatch) if outcome == "supplementary_dispatch" else self.under_way(dispatch)
            if pool:
                chips = data.draw(
                    st.lists(st.sampled_from(pool), min_size=1, max_size=4, unique=True).map(sorted)
                )
        self.file(
            TransferSettled, by, dispatch=dispatch, outcome=outcome, chips=chips, reason="counted_again"
        )

    @precondition(lambda self: self.dispatches)
    @rule(data=st.data(), by=holders, honest=st.integers(0, 3))
    def void(self, data: st.DataObject, by: str, honest: int) -> None:
        dispatch = data.draw(st.sampled_from(self.dispatches))
        self.file(
            TransferVoided, self.sender(dispatch) if honest else by, dispatch=dispatch, reason="changed_mind"
        )

    @rule(data=st.data(), by=holders, kind=st.sampled_from(sorted(ABOUT_CHIPS)), honest=st.integers(0, 3))
    def say(self, data: st.DataObject, by: str, kind: str, honest: int) -> None:
        body = SCHEMAS[kind, 1]
        placed: dict[str, Any] = (
            {"site": data.draw(st.sampled_from(SITES[by]))} if "site" in body.model_fields else {}
        )
        if honest:
            owned = Holding.objects.filter(account__organisation__signer__handle=by)
            if kind not in {"chips.recovered", "chips.destroyed"}:
                owned = owned.filter(account__site__code=placed["site"])
            pool = serials(owned.filter(account__kind__in=CHANGES[kind].sources))
        else:
            pool = NAMES
        if pool:
            chips = data.draw(
                st.lists(st.sampled_from(pool), min_size=1, max_size=2, unique=True).map(sorted)
            )
            self.file(body, by, happened_at=door.now(), chips=chips, **placed, **ABOUT_CHIPS[kind])

    @invariant()
    def the_book_closes(self) -> None:
        if self.parties:
            assert check_identities() == []
            assert Holding.objects.count() == self.entered

    def on_hand(self, handle: str, site: str) -> list[str]:
        held = Holding.objects.filter(
            account__kind="on_hand", account__organisation__signer__handle=handle, account__site__code=site
        )
        return [
            f"maker-a/{serial}" for serial in held.order_by("chip_id").values_list("chip__serial", flat=True)
        ]

    def under_way(self, dispatch: str) -> list[str]:
        return serials(Holding.objects.filter(transfer__digest=bytes.fromhex(dispatch)))

    def claimed(self, dispatch: str) -> list[str]:
        claims = Difference.objects.filter(
            transfer__digest=bytes.fromhex(dispatch), kind__in=["over", "swapped"], settled_at__isnull=True
        )
        return sorted(set(claims.values_list("name", flat=True)))

    def sender(self, dispatch: str) -> str:
        return Transfer.objects.get(digest=bytes.fromhex(dispatch)).sender.signer.handle

    def consignee(self, dispatch: str) -> str:
        return Transfer.objects.get(digest=bytes.fromhex(dispatch)).consignee.signer.handle


@pytest.mark.django_db
def test_the_book_closes_whatever_is_filed() -> None:
    run_state_machine_as_test(
        Book,
        settings=settings(
            max_examples=8,
            stateful_step_count=60,
            deadline=None,
            phases=[Phase.reuse, Phase.generate],  # shrinking files thousands of papers
            suppress_health_check=list(HealthCheck),
        ),
    )
