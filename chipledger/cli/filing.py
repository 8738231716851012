"""From a built statement to its outcome: sign, file, follow the job, say what happened."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chipledger.cli.client import Api, problem_refusal
from chipledger.cli.options import api_of, write_file
from chipledger.cli.output import Output
from chipledger.dsse import sign_payload
from chipledger.keys import PrivateKey
from chipledger.refusals import Refused
from chipledger.statements import parse_payload, write_payload
from chipledger.statements.common import Statement


def build(kind: type[Statement], members: Mapping[str, object]) -> bytes:
    """The payload of a statement, checked by the same parser that the server uses."""
    given: dict[str, Any] = {name: value for name, value in members.items() if value is not None}
    # Built without checks and then parsed, so that a wrong value is refused by code and field as anywhere else.
    payload = write_payload(kind.model_construct(**given))
    parse_payload(payload)
    return payload


def file_statement(
    options: argparse.Namespace,
    payload: bytes,
    keys: list[PrivateKey],
    out: Output,
    *,
    source: Path | None = None,
    **more: object,
) -> dict[str, object]:
    """Sign and file a payload, or write the envelope where ``--out`` says; returns the server's outcome.

    Rows that the server refuses go to a file beside ``source``, which they came from.
    """
    envelope = sign_payload(payload, keys)
    if options.out is not None:
        write_file(options.out, envelope.to_json())
        out.result({"digest": envelope.digest.hex(), "file": str(options.out), **more})
        return {}
    return report_outcome(api_of(options), envelope.to_json(), out, source=source, **more)


def report_outcome(
    api: Api, envelope: bytes, out: Output, *, source: Path | None = None, **more: object
) -> dict[str, object]:
    """File an envelope, wait for its job if it has one, and print the outcome."""
    outcome = api.submit(envelope)
    job = outcome.get("job")
    if isinstance(job, str):
        found = api.wait_for_job(job, lambda job: _show_progress(out, job))
        if found.get("state") != "succeeded":
            raise _job_refusal(api, found, source)
        outcome = outcome | {"state": "accepted", "result": found.get("result")}
    out.result(outcome | more)
    return outcome


def _show_progress(out: Output, job: dict[str, object]) -> None:
    total = job.get("total")
    done = f"{job.get('done')} of {total}" if total else f"{job.get('done')}"
    out.progress(f"{job.get('state')}: {done} rows", final=job.get("state") not in ("queued", "running"))


def _job_refusal(api: Api, job: dict[str, object], source: Path | None) -> Refused:
    """The refusal of a job, or of its first row; then every such row lies in a file, and the sentence counts them."""
    number = str(job.get("id"))
    problems, counts, problem = job.get("problems"), job.get("counts"), job.get("problem")
    if not isinstance(problems, list) or not problems or not isinstance(counts, dict):
        if isinstance(problem, dict):
            return problem_refusal(problem)
        return Refused(
            "job_not_done",
            f"The job ended as {job.get('state')}; file the paper again.",
            field="job",
            value=number,
        )
    rejected = rejected_file(source) if source else Path(f"{number}.rejected.csv")
    api.download(f"jobs/{number}/rejected", rejected)
    counted = ", ".join(f"{count} {code}" for code, count in counts.items())
    first = problem_refusal(problems[0])
    return Refused(
        first.code,
        f"{first.sentence} Faults in all: {counted}; see {rejected.name} (job {number}).",
        row=first.row,
        field=first.field,
        value=first.value,
        status=first.status,
    )


def rejected_file(source: Path) -> Path:
    """Where rows at fault go: beside the file that they came from."""
    return source.with_name(source.name + ".rejected.csv")
