"""A small world for tests: a founded log, a regulator, a maker and operators with real keys, all through the door."""

from __future__ import annotations

import base64
import hashlib
import io
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings

from chipledger import base64s, clock
from chipledger.dsse import sign_payload
from chipledger.keys import Algorithm, PrivateKey
from chipledger.manifests import Shape, summarise, write_canonical
from chipledger.statements import common_fields, write_payload
from chipledger.statements.common import KeyGrant, ManifestRef, SignerRef, Statement
from chipledger.statements.ledger import FirstRegulator, KeyAdded, LedgerFounded
from chipledger.statements.registry import (
    ChipsCommissioned,
    ModelPublished,
    OrganisationAdmitted,
    SiteDeclared,
)
from jobs.actions import run_job
from jobs.models import Job, JobState
from ledger import door, manifests
from ledger.log_key import create_log_key, log_key
from ledger.models import Signer
from registry.models import Organisation


@dataclass
class Party:
    """An organisation with its administrator's key and, once asked for, the key of a machine."""

    handle: str
    key: PrivateKey = field(default_factory=lambda: PrivateKey.generate(Algorithm.P256))
    machine_key: PrivateKey = field(default_factory=lambda: PrivateKey.generate(Algorithm.P256))

    @property
    def organisation(self) -> Organisation:
        return Organisation.objects.get(signer__handle=self.handle)

    @property
    def signer(self) -> Signer:
        return Signer.objects.get(handle=self.handle)

    def grant(self, role: str = "administrator") -> KeyGrant:
        return KeyGrant(spki=base64s.encode(self.key.public.spki), purpose="statement", role=role)  # type: ignore[arg-type]

    def machine_grant(self) -> KeyGrant:
        return KeyGrant(spki=base64s.encode(self.machine_key.public.spki), purpose="machine", role="machine")


class JobRefused(Exception):
    """A job that the door refused; ``problem`` and ``result`` are the job's."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"{job.problem} {job.result}")
        self.job = job
        self.code = (job.problem or {}).get("code")


class World:
    """Files statements the way clients do: builds, signs, submits, and lets the worker do what it would do."""

    def __init__(self) -> None:
        self.regulator = Party("regulator-a")
        self.maker = Party("maker-a")
        self.operator = Party("operator-a")
        self.second_operator = Party("operator-b")
        self.device_keys: dict[str, PrivateKey] = {}
        self.last_claims: dict[str, str] = {}

    def found(self) -> None:
        create_log_key()
        first = FirstRegulator(
            handle=self.regulator.handle,
            name="Regulator A",
            countries=["US", "DE"],
            keys=[self.regulator.grant()],
        )
        self.submit(
            LedgerFounded,
            by=self.regulator,
            log_key=base64s.encode(log_key().public.spki),
            regulators=[first],
        )

    def populate(self) -> None:
        """A maker with one model and a fab, and two operators with a site each and a machine key."""
        self.admit(self.maker, "manufacturer")
        self.admit(self.operator, "operator")
        self.admit(self.second_operator, "operator", countries=["DE"])
        self.publish_model()
        self.declare_site(self.maker, "fab-1")
        self.declare_site(self.operator, "dc-1")
        self.declare_site(self.operator, "dc-2", latitude_e7=340_000_000)
        self.declare_site(
            self.second_operator, "dc-3", country="DE", latitude_e7=500_000_000, longitude_e7=87_000_000
        )

    def admit(
        self, party: Party, kind: str, *, countries: Sequence[str] = ("US",), **fields: Any
    ) -> door.Outcome:
        fields = {"name": party.handle.title(), "keys": [party.grant()], **fields}
        outcome = self.submit(
            OrganisationAdmitted,
            by=self.regulator,
            handle=party.handle,
            organisation_kind=kind,
            countries=list(countries),
            **fields,
        )
        self.add_machine(party)
        return outcome

    def add_machine(self, party: Party) -> None:
        self.add_key(party, party.machine_grant(), also=[party.machine_key])

    def publish_model(self, code: str = "maker-a-h100", **fields: Any) -> door.Outcome:
        figures: dict[str, Any] = {
            "name": "H100 SXM 80 GB",
            "gflops": {"fp16": 989_500, "fp8": 1_979_000},
            "tpp": 15_832,
            "memory_mb": 80_000,
            "memory_kind": "HBM3",
            "memory_bandwidth_gbs": 3_350,
            "tdp_w": 700,
        }
        return self.submit(ModelPublished, by=self.maker, code=code, **{**figures, **fields})

    def declare_site(self, party: Party, code: str, **fields: Any) -> door.Outcome:
        place: dict[str, Any] = {
            "name": code.upper(),
            "country": "US",
            "latitude_e7": 325_000_000,
            "longitude_e7": -998_000_000,
            "power_kw": 100_000,
            "slots": 1_000_000,
        }
        return self.submit(SiteDeclared, by=party, code=code, **{**place, **fields})

    def commission(
        self, serials: Iterable[str], *, model: str = "maker-a-h100", site: str = "fab-1", keyed: bool = True
    ) -> list[str]:
        """Register chips through manifest, inbox and job; returns their names."""
        rows = []
        for serial in serials:
            name = f"{self.maker.handle}/{serial}"
            if keyed:
                self.device_keys[name] = PrivateKey.generate(Algorithm.P256)
            key = base64s.encode(self.device_keys[name].public.spki) if keyed else ""
            rows.append((model, serial, key))
        manifest = self.upload(self.maker, Shape.COMMISSION, rows)
        self.submit(ChipsCommissioned, by=self.maker, site=site, manifest=manifest)
        return sorted(f"{self.maker.handle}/{serial}" for _, serial, _ in rows)

    def upload(self, party: Party, shape: Shape, rows: Iterable[Sequence[str]]) -> ManifestRef:
        out = io.BytesIO()
        write_canonical(rows, out, shape)
        secret = secrets.token_bytes(32)
        manifests.store_blob(party.signer, [out.getvalue()], secret=secret, at=clock.now())
        out.seek(0)
        summary = summarise(out, shape, secret)
        return ManifestRef(
            sha256=summary.sha256, size=summary.size, rows=summary.rows, rows_root=summary.rows_root
        )

    def evidence(
        self, chip: str, *, nonce: str, site: str, seq: int, prev: str | None = None, **claims: Any
    ) -> dict[str, str]:
        """One evidence item signed by the chip's device key, as the payload carries it."""
        import json

        from chipledger.statements.common import format_instant

        text = json.dumps(
            {
                "eat_nonce": nonce,
                "ueid": chip,
                "seq": seq,
                "prev": prev,
                "site": site,
                "iat": format_instant(door.now()),
                **claims,
            },
            separators=(",", ":"),
        )
        self.last_claims[chip] = hashlib.sha256(text.encode()).hexdigest()
        return {"claims": text, "sig": base64.b64encode(self.device_keys[chip].sign(text.encode())).decode()}

    def envelope(
        self,
        body: type[Statement],
        *,
        by: Party,
        key: PrivateKey | None = None,
        also: Sequence[PrivateKey] = (),
        **fields: Any,
    ) -> bytes:
        """A signed envelope as a client would send it. ``key`` signs in place of the party's own."""
        return self.envelope_of(body, by=by, fields=fields, key=key, also=also)

    def envelope_of(
        self,
        body: type[Statement],
        *,
        by: Party,
        fields: dict[str, Any],
        key: PrivateKey | None = None,
        also: Sequence[PrivateKey] = (),
    ) -> bytes:
        """As ``envelope``, for statements with a field called ``key``. ``also`` sign without being named."""
        key = key or by.key
        common = common_fields(
            log=settings.LOG_ORIGIN,
            signers=[SignerRef(organisation=by.handle, key=key.public.key_id)],
            at=door.now(),
            lifetime=timedelta(days=1),
        )
        payload = write_payload(body(**{**common, **fields}))
        return sign_payload(payload, [key, *also]).to_json()

    def add_key(self, party: Party, grant: KeyGrant, *, also: Sequence[PrivateKey]) -> door.Outcome:
        """Give a party a further key; the key itself signs too."""
        return self.send(self.envelope_of(KeyAdded, by=party, fields={"key": grant}, also=also))

    def submit(self, body: type[Statement], *, by: Party, **fields: Any) -> door.Outcome:
        """Build, sign and submit one statement; a queued one is booked by its job at once. Refusals are raised."""
        return self.send(self.envelope(body, by=by, **fields))

    def send(self, raw: bytes) -> door.Outcome:
        outcome = door.submit(raw)
        if outcome.job is None:
            return outcome
        job = run_job(outcome.job.pk)
        if job is None or job.state != JobState.SUCCEEDED:
            raise JobRefused(job or outcome.job)
        known = door.find_known(door.read(raw))
        if known is None:
            raise AssertionError("the job ended well and booked nothing")
        return known
