"""Each task has one queue: what waits for others' servers one of its own, all else the other."""

from __future__ import annotations

from pathlib import Path

import pytest
from celery.exceptions import QueueNotFound
from django.conf import settings

from config.celery import app
from config.commands import commands, worker

COMMANDS = commands(bind="127.0.0.1:8000", var=Path("var"))


def tasks_of_ours() -> list[str]:
    app.loader.import_default_modules()
    return sorted(name for name in app.tasks if not name.startswith("celery."))


def queue_of(task: str) -> str:
    return str(app.amqp.router.route({}, task)["queue"].name)


def test_tasks_of_notices_and_no_others_go_to_their_queue() -> None:
    tasks = tasks_of_ours()
    rooms = {name.partition(".")[0] for name in tasks}
    assert {"jobs", "audits", "ledger", "notices"} <= rooms
    assert {name: queue_of(name) for name in tasks} == {
        name: "notices" if name.startswith("notices.") else "celery" for name in tasks
    }


def test_beat_wakes_tasks_that_there_are() -> None:
    assert {each["task"] for each in settings.CELERY_BEAT_SCHEDULE.values()} <= set(tasks_of_ours())


def test_the_workers_of_the_house_take_every_queue_between_them() -> None:
    taken = [argv[argv.index("--queues") + 1].split(",") for argv in COMMANDS.values() if "--queues" in argv]
    assert sorted(taken) == [[name] for name in sorted(settings.CELERY_TASK_QUEUES)]


def test_a_worker_that_is_told_nothing_takes_every_queue() -> None:
    assert set(app.amqp.Queues(settings.CELERY_TASK_QUEUES).consume_from) == {"celery", "notices"}


def test_one_worker_for_both_is_told_so() -> None:
    assert "--queues celery,notices --hostname celery@%h" in " ".join(worker("celery", "notices", at_once=2))


def test_a_queue_that_nobody_takes_is_refused() -> None:
    with pytest.raises(QueueNotFound):
        app.amqp.router.route({"queue": "notises"}, "notices.tasks.watch")
