"""`python -m bench.worker JOB`: does a waiting job in its own process, as workers do, and prints its peak memory."""

from __future__ import annotations

import os
import subprocess
import sys

from django.conf import settings

from config.processes import peak_bytes


def do_elsewhere(job: object) -> float:
    """Have a fresh process do a job; returns its peak resident memory in MB."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.worker", str(job)],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the worker failed: {done.stderr[-2000:]}")
    return float(done.stdout)


def main() -> None:
    """Do the job named on the command line."""
    import django

    django.setup()
    from jobs.actions import run_job
    from jobs.models import JobState

    job = run_job(sys.argv[1])
    if job is None or job.state != JobState.SUCCEEDED:
        raise SystemExit(f"the job did not succeed: {job and job.problem}")
    print(peak_bytes(os.getpid()) / 1e6)


if __name__ == "__main__":
    main()
