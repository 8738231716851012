"""Ground for rules: rows of the book and of the silicon, laid straight into their tables, one small world a test."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any

from attestations.models import Conflict, Outage, Sighting, TamperSign
from audits.actions.sweeps import sweep
from audits.models import Finding, Policy, Sweep
from ledger.models import Signer, SignerKind
from registry.models import Chip, ChipModel, NetworkLink, Organisation, Ownership, Site
from tracking.models import Account, AccountKind, Difference, DifferenceKind, Holding, Movement, Transfer

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LONG_AGO = NOW - 300 * DAY
HARDWARE, INSPECTED, LABEL = 5, 4, 2


class Ground:
    """A maker with an H100, and whatever a test lays beside it. Times default to long ago and just now."""

    def __init__(self) -> None:
        self._serials = count(1)
        self.maker = self.organisation("maker-a", kind=SignerKind.MANUFACTURER)
        self.model = self.chip_model("h100", tpp=15_832, memory_mb=80_000)

    def organisation(
        self, handle: str, *, kind: str = SignerKind.OPERATOR, countries: Sequence[str] = ("US",)
    ) -> Organisation:
        signer = Signer.objects.create(handle=handle, kind=kind)
        return Organisation.objects.create(
            signer=signer, name=handle, countries=list(countries), statement_id=1
        )

    def chip_model(
        self, code: str, *, tpp: int, memory_mb: int, counted_memory_mb: int | None = None
    ) -> ChipModel:
        return ChipModel.objects.create(
            code=code,
            name=code,
            maker=self.maker,
            gflops={},
            fp16_gflops=989_500,
            tpp=tpp,
            memory_mb=memory_mb,
            memory_kind="HBM3",
            counted_memory_mb=memory_mb if counted_memory_mb is None else counted_memory_mb,
            memory_bandwidth_gbs=3350,
            tdp_w=700,
            statement_id=1,
        )

    def site(
        self, organisation: Organisation, code: str, *, country: str = "US", slots: int = 100_000
    ) -> Site:
        return Site.objects.create(
            code=code,
            organisation=organisation,
            name=code,
            country=country,
            latitude_e7=0,
            longitude_e7=0,
            power_kw=1000,
            slots=slots,
            declared_at=LONG_AGO,
            statement_id=1,
        )

    def link(self, site: Site, other: Site, mbit_s: int) -> None:
        NetworkLink.objects.create(site=site, other=other, mbit_s=mbit_s)

    def owns(self, owner: Organisation, organisation: Organisation, share_bp: int) -> None:
        Ownership.objects.create(
            organisation=organisation, owner=owner, share_bp=share_bp, since=LONG_AGO.date(), statement_id=1
        )

    def chips(
        self,
        site: Site,
        number: int = 1,
        *,
        kind: str = AccountKind.ON_HAND,
        since: datetime = LONG_AGO,
        installed_at: datetime | None = None,
        model: ChipModel | None = None,
        keyed: bool = True,
        transfer: Transfer | None = None,
    ) -> list[Chip]:
        """Chips on an account of the site's organisation."""
        account, _ = Account.objects.get_or_create(kind=kind, organisation=site.organisation, site=site)
        movement = Movement.objects.create(
            kind="opened",
            statement_id=1,
            target=account,
            quantity=number,
            effective_at=since,
            recorded_at=since,
        )
        made = []
        for _ in range(number):
            serial = f"S{next(self._serials):06}"
            key = hashlib.sha256(serial.encode()).digest() if keyed else None
            chip = Chip.objects.create(
                maker=self.maker, serial=serial, model=model or self.model, device_key=key, statement_id=1
            )
            Holding.objects.create(
                chip=chip,
                account=account,
                model=model or self.model,
                movement=movement,
                transfer=transfer,
                since=since,
                installed_at=installed_at,
            )
            made.append(chip)
        return made

    def running(self, site: Site, number: int = 1, **fields: Any) -> list[Chip]:
        """Chips in service since long ago, seen at their site an hour ago."""
        chips = self.chips(site, number, installed_at=fields.pop("installed_at", LONG_AGO), **fields)
        for chip in chips:
            self.see(chip, site)
        return chips

    def see(
        self,
        chip: Chip,
        site: Site,
        *,
        seen_at: datetime = NOW - timedelta(hours=1),
        present_since: datetime = LONG_AGO,
        identity: int = HARDWARE,
    ) -> None:
        """The latest evidence of a grade, in place of what was there."""
        Sighting.objects.filter(chip=chip, identity=identity).delete()
        Sighting.objects.create(
            chip=chip,
            identity=identity,
            place=2,
            site=site,
            seen_at=seen_at,
            present_since=min(present_since, seen_at),
            seq=1,
            claims_sha256=b"",
            statement_id=1,
        )

    def conflict(
        self, chip: Chip, site: Site, other: Site, *, seen_at: datetime, sign: str = TamperSign.TWO_PLACES
    ) -> None:
        Conflict.objects.create(
            chip=chip,
            sign=sign,
            site=site,
            other_site=other,
            seen_at=seen_at,
            other_seen_at=seen_at,
            statement_id=1,
        )

    def outage(self, site: Site, begins_at: datetime, ends_at: datetime) -> None:
        Outage.objects.create(
            site=site,
            organisation=site.organisation,
            begins_at=begins_at,
            ends_at=ends_at,
            reason="maintenance",
            statement_id=1,
        )

    def transfer(
        self, sender: Site, consignee: Site, *, due_at: datetime, chips: int = 10, **fields: Any
    ) -> Transfer:
        digest = hashlib.sha256(f"transfer {next(self._serials)}".encode()).digest()
        return Transfer.objects.create(
            **{
                "digest": digest,
                "statement_id": 1,
                "sender": sender.organisation,
                "consignee": consignee.organisation,
                "from_site": sender,
                "to_site": consignee,
                "quantity": chips,
                "outstanding": chips,
                "dispatched_at": due_at - 10 * DAY,
                "estimated_arrival": due_at - 2 * DAY,
                "due_at": due_at,
                "recorded_at": due_at - 10 * DAY,
                **fields,
            }
        )

    def difference(
        self, transfer: Transfer, kind: DifferenceKind, *, recorded_at: datetime, number: int = 1
    ) -> list[Difference]:
        return [
            Difference.objects.create(
                transfer=transfer,
                receipt_id=1,
                kind=kind,
                name=f"maker-a/{kind}-{serial}",
                chip_id=None if kind == DifferenceKind.OVER else serial,
                recorded_at=recorded_at,
            )
            for serial in islice(self._serials, number)
        ]

    def policy(self, code: str, *, grouping: str = "site", **fields: Any) -> Policy:
        regulator = Organisation.objects.filter(
            signer__kind=SignerKind.REGULATOR
        ).first() or self.organisation("regulator-z", kind=SignerKind.REGULATOR)
        return Policy.objects.create(
            **{
                "code": code,
                "title": code,
                "source": "test",
                "regulator": regulator,
                "grouping": grouping,
                "effective_from": LONG_AGO,
                "statement_id": 1,
                **fields,
            }
        )

    def sweep(self, *, at: datetime = NOW) -> Sweep:
        return sweep(at=at)

    def findings(self, rule: str, *, at: datetime = NOW) -> list[Finding]:
        """What this rule has open after a sweep."""
        self.sweep(at=at)
        return list(Finding.objects.filter(rule=rule, closed_at__isnull=True).order_by("subject"))

    def severities(self, rule: str, *, at: datetime = NOW) -> list[int]:
        return [finding.severity for finding in self.findings(rule, at=at)]
