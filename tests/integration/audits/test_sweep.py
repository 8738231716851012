"""The sweep: one open finding for each subject, hysteresis, escalation, decisions that last, and its own watch."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from audits import queries, tasks
from audits.actions.findings import decide_finding
from audits.actions.sweeps import KIND, finish_sweep, request_sweep, run_sweep_job, sweep
from audits.models import Balance, Finding, Sweep
from audits.rules import RULE_OF, RULES
from chipledger import clock
from jobs.actions import run_job
from jobs.models import Job, JobState
from jobs.runners import Work
from ledger.models import Statement
from registry.models import Site
from tests.integration.audits.ground import DAY, LONG_AGO, NOW, Ground
from tracking.models import AccountKind, Transfer

HOUR = timedelta(hours=1)


@pytest.fixture
def site(ground: Ground) -> Site:
    return ground.site(ground.organisation("operator-a"), "dc-1")


@pytest.fixture
def transfer(ground: Ground, site: Site) -> Transfer:
    return ground.transfer(site, ground.site(ground.organisation("operator-b"), "dc-2"), due_at=NOW - DAY)


def receive(transfer: Transfer) -> None:
    Transfer.objects.filter(pk=transfer.pk).update(state="received", outstanding=0, closed_at=NOW)


def dispatch_again(transfer: Transfer) -> None:
    Transfer.objects.filter(pk=transfer.pk).update(state="dispatched", outstanding=10, closed_at=None)


def test_a_finding_is_opened_once_and_then_refreshed(ground: Ground, transfer: Transfer) -> None:
    first, second = ground.sweep(), ground.sweep(at=NOW + HOUR)

    finding = Finding.objects.get()
    assert (finding.opened_at, finding.refreshed_at) == (NOW, NOW + HOUR)
    assert finding.due_at == NOW + 5 * DAY
    assert first.counts["overdue_receipt"] == {"seen": 1, "opened": 1, "cleared": 0}
    assert second.counts["overdue_receipt"] == {"seen": 1, "opened": 0, "cleared": 0}


def test_a_finding_survives_one_quiet_sweep_and_not_two(ground: Ground, transfer: Transfer) -> None:
    ground.sweep()
    receive(transfer)
    ground.sweep(at=NOW + HOUR)
    assert Finding.objects.get().closed_at is None
    dispatch_again(transfer)
    ground.sweep(at=NOW + 2 * HOUR)
    assert Finding.objects.get().quiet_sweeps == 0

    receive(transfer)
    ground.sweep(at=NOW + 3 * HOUR)
    ground.sweep(at=NOW + 4 * HOUR)

    finding = Finding.objects.get()
    assert (finding.state, finding.closing, finding.closed_at) == ("closed", "cleared", NOW + 4 * HOUR)


def test_what_comes_back_after_clearing_is_a_new_finding(ground: Ground, transfer: Transfer) -> None:
    ground.sweep()
    receive(transfer)
    ground.sweep(at=NOW + HOUR)
    ground.sweep(at=NOW + 2 * HOUR)
    dispatch_again(transfer)
    ground.sweep(at=NOW + 3 * HOUR)

    assert sorted(Finding.objects.values_list("state", flat=True)) == ["closed", "open"]


def test_a_finding_escalates_with_its_arithmetic_and_never_weakens(
    ground: Ground, transfer: Transfer
) -> None:
    ground.sweep(at=NOW + 30 * DAY)
    Transfer.objects.update(due_at=NOW + 29 * DAY)
    ground.sweep(at=NOW + 30 * DAY)
    finding = Finding.objects.get()
    assert (finding.severity, finding.frozen["arithmetic"]["days_late"]) == (4, 31)

    ground.sweep(at=NOW + 80 * DAY)
    finding.refresh_from_db()

    assert (finding.severity, finding.frozen["arithmetic"]["days_late"]) == (5, 51)
    assert finding.frozen["rule_version"] == RULE_OF["overdue_receipt"].version


def decided(finding: Finding, *, at: object) -> None:
    statement = Statement.objects.create(
        digest=finding.uid.bytes * 2, kind="finding.decided", payload=b"", signatures=[], accepted_at=at
    )
    decide_finding(finding.uid, decision="resolved", by=statement, at=at)


def test_a_decided_finding_stays_closed_until_it_is_graver(ground: Ground, transfer: Transfer) -> None:
    ground.sweep()
    decided(Finding.objects.get(), at=NOW + HOUR)

    ground.sweep(at=NOW + 2 * HOUR)
    assert Finding.objects.count() == 1
    ground.sweep(at=NOW + 10 * DAY)

    assert sorted(Finding.objects.values_list("severity", "state")) == [(2, "closed"), (3, "open")]


def test_a_decided_finding_opens_anew_when_it_begins_anew(ground: Ground, site: Site) -> None:
    (chip,) = ground.chips(site, installed_at=LONG_AGO)
    ground.see(chip, site, seen_at=NOW - 2 * DAY)
    ground.sweep()
    decided(Finding.objects.get(), at=NOW)
    ground.sweep(at=NOW + HOUR)
    assert Finding.objects.count() == 1

    ground.see(chip, site, seen_at=NOW)
    ground.sweep(at=NOW + 2 * DAY)

    assert Finding.objects.filter(closed_at__isnull=True).count() == 1


def test_every_rule_takes_its_step_and_a_dead_sweep_goes_on_where_it_stopped(
    ground: Ground, transfer: Transfer
) -> None:
    done_before = {
        "clusters": {"measured": 0, "above": 0},
        "overdue_receipt": {"seen": 7, "opened": 7, "cleared": 7},
    }
    half = Sweep.objects.create(at=NOW, counts=done_before)

    finished = finish_sweep(half)

    assert set(finished.counts) == {"clusters", "balances", *(rule.code for rule in RULES)}
    assert finished.counts["overdue_receipt"]["seen"] == 7
    assert not Finding.objects.exists()
    assert finished.finished_at is not None


def test_a_sweep_job_keeps_its_counts_and_can_be_done_twice(ground: Ground, transfer: Transfer) -> None:
    job = request_sweep()
    assert job is not None
    done = run_job(job.pk)
    assert done is not None
    work = Work(job=done)

    again = run_sweep_job(work)

    work.rejections.close()
    assert (done.state, done.result) == (JobState.SUCCEEDED, again)
    assert Sweep.objects.get().job == job


def test_a_sweep_is_asked_for_only_when_none_is_open(db: None) -> None:
    assert request_sweep() is not None
    tasks.start_sweep()
    assert Job.objects.filter(kind=KIND).count() == 1
    Job.objects.update(state=JobState.SUCCEEDED, finished_at=NOW)
    tasks.start_sweep()

    assert Job.objects.filter(kind=KIND).count() == 2


def test_the_sweep_raises_the_alarm_about_its_own_lag(db: None) -> None:
    interval = timedelta(seconds=settings.SWEEP_SECONDS)
    for age, alarms in [(2 * interval - HOUR / 2, 0), (2 * interval + HOUR / 2, 1)]:
        Sweep.objects.all().delete()
        at = clock.now() - age
        Sweep.objects.create(at=at, finished_at=at)
        with capture_logs() as logs:
            tasks.watch_lag()
        assert (
            len([line for line in logs if line["event"] == "sweep_lags" and line["log_level"] == "error"])
            == alarms
        )
        lag = REGISTRY.get_sample_value("chipledger_sweep_lag_seconds")
        assert lag == pytest.approx(age.total_seconds(), abs=60)


def test_a_log_that_was_never_swept_lags_since_it_began(db: None) -> None:
    assert queries.sweep_lag(at=NOW) == timedelta(0)
    Statement.objects.create(digest=b"x" * 32, kind="k", payload=b"", signatures=[], accepted_at=NOW - DAY)
    Sweep.objects.create(at=NOW)  # it never finished

    assert queries.sweep_lag(at=NOW) == DAY
    assert queries.is_lagging(DAY)


def test_a_balance_sets_book_against_silicon(ground: Ground, site: Site) -> None:
    ground.running(site, 5)
    ground.chips(site, 3)
    (silent,) = ground.chips(site, installed_at=LONG_AGO)
    ground.see(silent, site, seen_at=NOW - 3 * DAY)
    (elsewhere,) = ground.running(site)
    ground.see(elsewhere, ground.site(site.organisation, "dc-9"))
    (labelled,) = ground.chips(site, installed_at=LONG_AGO)
    ground.see(labelled, site, identity=2)
    for number, kind in enumerate((AccountKind.LOST, AccountKind.STOLEN, AccountKind.IN_TRANSIT), start=1):
        ground.chips(site, number, kind=kind)

    ground.sweep()

    balance = Balance.objects.get()
    assert (balance.on_hand, balance.installed) == (11, 8)
    assert (balance.seen_hardware, balance.seen_weaker, balance.unaccounted) == (5, 1, 3)
    assert (balance.lost, balance.stolen, balance.in_transit) == (1, 2, 3)


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_open_one_finding_for_each_subject() -> None:
    ground = Ground()
    first = ground.site(ground.organisation("operator-a"), "dc-1")
    second = ground.site(ground.organisation("operator-b"), "dc-2")
    for _ in range(50):
        ground.transfer(first, second, due_at=NOW - DAY)
    ground.chips(first, 50, installed_at=LONG_AGO)
    start, failures = threading.Barrier(2), []

    def run() -> None:
        try:
            start.wait()
            sweep(at=NOW)
        except Exception as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert Finding.objects.count() == 100
    opened = [one.counts["overdue_receipt"]["opened"] for one in Sweep.objects.all()]
    assert sorted(opened) == [0, 50]
