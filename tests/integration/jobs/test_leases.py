"""Jobs and the database under them: connections are cut for real, and the job outlives its worker's troubles."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection

from chipledger import clock
from jobs import actions, runners
from jobs.models import Job, JobState
from jobs.runners import Runner, Work

pytestmark = pytest.mark.django_db(transaction=True)
KIND = "test.work"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Callable[[Runner], Job]:
    """Say what the job does, and get one that waits."""

    def say(runner: Runner) -> Job:
        monkeypatch.setitem(runners._RUNNERS, KIND, runner)
        return Job.objects.create(kind=KIND, created_at=clock.now())

    return say


def cut(*, mine: bool) -> None:
    """End our own connection, or every other one to this database, from the server's side."""
    whose = "pid = pg_backend_pid()" if mine else "pid <> pg_backend_pid() AND datname = current_database()"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {whose}")


def do(job: Job) -> Job:
    """Do the job whatever happens to it; its lease has run out."""
    Job.objects.filter(pk=job.pk, state=JobState.RUNNING).update(
        lease_until=clock.now() - timedelta(seconds=1)
    )
    try:
        actions.run_job(job.pk)
    except (DatabaseError, RuntimeError):
        connection.close()
    return Job.objects.get(pk=job.pk)


def test_a_job_is_not_given_up_because_the_database_went_away(runs: Callable[[Runner], Job]) -> None:
    def lose_the_database(work: Work) -> dict[str, object]:
        cut(mine=True)
        return {}

    job = runs(lose_the_database)
    for _ in range(actions.MAX_ATTEMPTS + 2):
        assert do(job).state == JobState.RUNNING
    assert Job.objects.get(pk=job.pk).attempts == actions.MAX_ATTEMPTS + 2


def test_a_job_that_breaks_down_by_itself_ends_after_five_attempts(runs: Callable[[Runner], Job]) -> None:
    def break_down(work: Work) -> dict[str, object]:
        raise RuntimeError("out of order")

    job = runs(break_down)
    states = [do(job).state for _ in range(actions.MAX_ATTEMPTS)]
    assert states == [JobState.RUNNING] * (actions.MAX_ATTEMPTS - 1) + [JobState.FAILED]
    ended = Job.objects.get(pk=job.pk)
    assert ended.problem["code"] == "broke_down"
    assert actions.run_job(job.pk) is None


def test_a_heartbeat_whose_connection_was_cut_goes_on_beating(
    runs: Callable[[Runner], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "HEARTBEAT_SECONDS", 0.05)
    leases = []

    def work_on(work: Work) -> dict[str, object]:
        for _ in range(3):
            leases.append(next_lease(work.job, after=leases[-1] if leases else None))
            cut(mine=False)
        leases.append(next_lease(work.job, after=leases[-1]))
        return {}

    assert do(runs(work_on)).state == JobState.SUCCEEDED
    assert leases == sorted(set(leases))


def next_lease(job: Job, *, after: object) -> object:
    """A lease that was renewed since."""
    for _ in range(400):
        lease = Job.objects.get(pk=job.pk).lease_until
        if lease != after and lease != job.lease_until:
            return lease
        time.sleep(0.05)
    raise AssertionError("the heartbeat stopped")


def test_a_job_that_kills_every_worker_ends_one_day(runs: Callable[[Runner], Job]) -> None:
    def never(work: Work) -> dict[str, object]:
        raise AssertionError("it is not begun again")

    job = runs(never)
    died = {"state": JobState.RUNNING, "attempts": actions.MAX_CLAIMS, "started_at": clock.now()}
    Job.objects.filter(pk=job.pk).update(**died, lease_until=clock.now() + timedelta(minutes=1))
    assert actions.run_job(job.pk) is None
    assert Job.objects.get(pk=job.pk).state == JobState.RUNNING  # its worker may yet be alive
    ended = do(job)
    assert (ended.state, ended.problem["code"]) == (JobState.FAILED, "worker_died")
