"""The desk at which simulated people sign: it writes payloads, signs them, submits them, and waits for jobs."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.conf import settings

from chipledger.dsse import sign_payload
from chipledger.keys import PrivateKey
from chipledger.manifests import Shape, summarise, write_canonical
from chipledger.statements import common_fields, write_payload
from chipledger.statements.common import ManifestRef, SignerRef, Statement
from jobs.actions import run_job
from jobs.models import OPEN_STATES, Job, JobState
from ledger import door, manifests
from ledger.models import Signer
from simulator.drive.keys import manifest_secret, office_key

POLL_SECONDS: Final = 0.01
WORKER_SECONDS: Final = 60.0
"""How long a worker may leave a job lying before the driver does it itself."""


class JobFailed(RuntimeError):
    """A statement of the simulated world was refused by the worker: the world, or the house, has a fault."""


@dataclass
class Desk:
    """Builds, signs and submits. With ``has_worker`` a Celery worker books what waits in the inbox, otherwise we do."""

    seed: int
    has_worker: bool
    waiting: list[UUID] = field(default_factory=list)
    submitted: int = 0

    def sign(
        self,
        body: type[Statement],
        fields: Mapping[str, object],
        *,
        signers: list[SignerRef],
        keys: Sequence[PrivateKey],
    ) -> bytes:
        """An envelope as a client would send it: it names these signers and carries the signatures of these keys."""
        common = common_fields(log=settings.LOG_ORIGIN, signers=signers, at=door.now())
        return sign_payload(write_payload(body.model_validate({**common, **fields})), keys).to_json()

    def submit(self, raw: bytes) -> door.Outcome:
        """Take an envelope to the door. What waits in the inbox is remembered until :meth:`catch_up`."""
        self.submitted += 1
        outcome = door.submit(raw)
        if outcome.job is not None:
            self.waiting.append(outcome.job.pk)
        return outcome

    def file(
        self,
        body: type[Statement],
        fields: Mapping[str, object],
        *,
        by: str,
        also: Sequence[PrivateKey] = (),
    ) -> door.Outcome:
        """Sign by the office of ``by``, and by the keys that prove their possession, and submit."""
        key = office_key(self.seed, by)
        signers = [SignerRef(organisation=by, key=key.public.key_id)]
        return self.submit(self.sign(body, fields, signers=signers, keys=[key, *also]))

    def upload(self, handle: str, shape: Shape, rows: Iterable[Sequence[str]], *, label: str) -> ManifestRef:
        """Store a manifest for an organisation and describe it, as the statement that names it must."""
        out = io.BytesIO()
        write_canonical(rows, out, shape)
        secret = manifest_secret(self.seed, label)
        manifests.store_blob(
            Signer.objects.get(handle=handle), [out.getvalue()], secret=secret, at=door.now()
        )
        out.seek(0)
        summary = summarise(out, shape, secret)
        return ManifestRef(
            sha256=summary.sha256, size=summary.size, rows=summary.rows, rows_root=summary.rows_root
        )

    def catch_up(self) -> None:
        """Wait until everything in the inbox is booked; raises JobFailed when something was refused."""
        for job_id in self.waiting:
            self.finish(job_id)
        self.waiting.clear()

    def finish(self, job_id: UUID) -> Job:
        """Have one job done, by the worker or here, and look at how it ended."""
        if not self.has_worker:
            run_job(job_id)
        began = time.monotonic()
        while (job := Job.objects.get(pk=job_id)).state in OPEN_STATES:
            if time.monotonic() - began > WORKER_SECONDS:
                run_job(job_id)
            time.sleep(POLL_SECONDS)
        if job.state != JobState.SUCCEEDED:
            raise JobFailed(f"{job.kind} {job.arguments}: {job.problem} {job.result}")
        return job
