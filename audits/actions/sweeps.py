"""The sweep: every rule in a transaction of its own opens, refreshes and clears its findings, set-based."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final

from django.db import connection, transaction

from audits.actions.balances import measure_balances
from audits.actions.clusters import measure_clusters
from audits.models import Sweep
from audits.rules import RULES, Rule
from audits.rules.rule import COLUMNS, parameters
from chipledger import clock
from jobs import actions as jobs
from jobs.models import OPEN_STATES, Job
from jobs.runners import Work, runs

KIND: Final = "audits.sweep"
QUIET_SWEEPS: Final = 2
"""A finding clears when so many sweeps in a row no longer see it."""

Counts = dict[str, int]
_COLUMNS: Final = ", ".join(COLUMNS)

_OPEN_OR_REFRESH: Final = f"""
WITH booked AS (
    INSERT INTO audits_finding AS known (
        uid, rule, nature, {_COLUMNS.replace("arithmetic, confidential", "frozen")},
        state, opened_at, refreshed_at, due_at, quiet_sweeps, root_cause, closing)
    SELECT gen_random_uuid(), %(rule)s, %(nature)s, subject, greatest(severity, %(severity)s), organisation_id,
           counterparty_id, site_id, chip_id, transfer_id, policy_id, began_at,
           jsonb_build_object('rule_version', %(version)s, 'swept_at', %(now)s::timestamptz,
                              'checkpoint', (SELECT max(size) FROM ledger_checkpoint),
                              'arithmetic', arithmetic, 'confidential', confidential),
           'open', %(now)s, %(now)s, %(now)s + %(due)s, 0, '', ''
    FROM candidate
    WHERE NOT EXISTS (
        SELECT FROM audits_finding decided
        WHERE decided.rule = %(rule)s AND decided.subject = candidate.subject AND decided.closed_by_id IS NOT NULL
          AND decided.began_at >= candidate.began_at AND decided.severity >= candidate.severity
    )
    ORDER BY subject
    ON CONFLICT (rule, subject) WHERE closed_at IS NULL DO UPDATE SET
        refreshed_at = excluded.refreshed_at,
        quiet_sweeps = 0,
        worsened_at = CASE WHEN excluded.severity > known.severity THEN excluded.opened_at ELSE known.worsened_at END,
        severity = greatest(known.severity, excluded.severity),
        frozen = CASE WHEN excluded.severity > known.severity THEN excluded.frozen ELSE known.frozen END
    RETURNING xmax = 0 AS is_new
)
SELECT count(*), count(*) FILTER (WHERE is_new) FROM booked
"""

_CLEAR: Final = """
WITH quiet AS (
    UPDATE audits_finding finding SET
        quiet_sweeps = finding.quiet_sweeps + 1,
        state = CASE WHEN finding.quiet_sweeps + 1 >= %(quiet)s THEN 'closed' ELSE finding.state END,
        closing = CASE WHEN finding.quiet_sweeps + 1 >= %(quiet)s THEN 'cleared' ELSE finding.closing END,
        closed_at = CASE WHEN finding.quiet_sweeps + 1 >= %(quiet)s THEN %(now)s END
    WHERE finding.rule = %(rule)s AND finding.closed_at IS NULL
      AND NOT EXISTS (SELECT FROM candidate WHERE candidate.subject = finding.subject)
    RETURNING finding.closed_at IS NOT NULL AS is_cleared
)
SELECT count(*) FILTER (WHERE is_cleared) FROM quiet
"""


def request_sweep() -> Job | None:
    """Ask for a sweep, unless one waits or runs already."""
    if Job.objects.filter(kind=KIND, state__in=OPEN_STATES).exists():
        return None
    return jobs.enqueue(KIND)


@runs(KIND)
def run_sweep_job(work: Work) -> dict[str, object]:
    """Do a sweep as a job; when its worker dies, the next one goes on where it stopped."""
    found, _ = Sweep.objects.get_or_create(job=work.job, defaults={"at": clock.now()})
    finished = finish_sweep(found, progress=work.progress)
    return {"sweep": finished.pk, **finished.counts}


def sweep(*, at: datetime) -> Sweep:
    """A whole round of all rules as of ``at``, here and now."""
    return finish_sweep(Sweep.objects.create(at=at))


def finish_sweep(
    unfinished: Sweep, *, progress: Callable[[int, int], None] = lambda done, total: None
) -> Sweep:
    """Take every step of a sweep that is not done, each in its own transaction together with the note that it is."""
    at = unfinished.at
    steps: dict[str, Callable[[], Counts]] = {
        "clusters": partial(measure_clusters, at=at),
        **{rule.code: partial(apply_rule, rule, at=at) for rule in RULES},
        "balances": partial(measure_balances, at=at),
    }
    for done, (name, step) in enumerate(steps.items()):
        progress(done, len(steps))
        _take_step(unfinished, name, step)
    Sweep.objects.filter(pk=unfinished.pk, finished_at__isnull=True).update(finished_at=clock.now())
    progress(len(steps), len(steps))
    unfinished.refresh_from_db()
    return unfinished


def _take_step(unfinished: Sweep, name: str, step: Callable[[], Counts]) -> None:
    """One step of one sweep at a time: two sweeps at once queue here, so neither undoes or doubles the other's work."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"audits.sweep:{name}"])
        unfinished.refresh_from_db(fields=["counts"])
        if name not in unfinished.counts:
            unfinished.counts = {**unfinished.counts, name: step()}
            unfinished.save(update_fields=["counts"])


def apply_rule(rule: Rule, *, at: datetime) -> Counts:
    """Open, refresh, escalate and clear one rule's findings; a decided one stays closed until it is new or graver."""
    values = {
        **parameters(at),
        "rule": rule.code,
        "version": rule.version,
        "nature": rule.nature.value,
        "severity": rule.severity,
        "due": rule.due,
        "quiet": QUIET_SWEEPS,
    }
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.candidate")
        cursor.execute(
            f"CREATE TEMP TABLE candidate ON COMMIT DROP AS SELECT DISTINCT ON (subject) {_COLUMNS}"
            f" FROM ({rule.query}) found ORDER BY subject, severity DESC, began_at",
            values,
        )
        cursor.execute("ANALYZE candidate (subject)")
        cursor.execute(_OPEN_OR_REFRESH, values)
        seen, opened = cursor.fetchone()
        cleared = 0
        if rule.clears:
            cursor.execute(_CLEAR, values)
            (cleared,) = cursor.fetchone()
        cursor.execute("DROP TABLE candidate")
    return {"seen": seen, "opened": opened, "cleared": cleared}
