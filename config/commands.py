"""The commands of the running house, defined once for `make demo`, docker-compose.yml and the tests."""

from __future__ import annotations

from pathlib import Path

#: The longest a request may take, in seconds; larger work goes through the inbox.
WEB_TIMEOUT_SECONDS = 60
CELERY = ("python", "-m", "celery", "-A", "config.celery")


def worker(*queues: str, at_once: int) -> list[str]:
    """What a Celery worker is started with that takes tasks of these queues, so many at once.

    It is named after the first, so that two on one machine are told apart.
    """
    return [
        *CELERY,
        "worker",
        *("--queues", ",".join(queues)),
        *("--hostname", f"{queues[0]}@%h"),
        *("--loglevel", "INFO"),
        *("--concurrency", str(at_once)),
        "--without-mingle",
    ]


def commands(*, bind: str, var: Path) -> dict[str, list[str]]:
    """What each process is started with, by name; the first word `python` means the interpreter of the house.

    ``bind`` is the address the web server listens on, ``var`` the folder for what the processes keep.
    """
    manage = ["python", "manage.py"]
    gunicorn = ["python", "-m", "gunicorn", "config.wsgi"]
    return {
        "migrate": [*manage, "migrate", "--noinput"],
        "web": [*gunicorn, "--bind", bind, "--workers", "2", "--timeout", str(WEB_TIMEOUT_SECONDS)],
        "worker": worker("celery", at_once=2),
        "notices": worker("notices", at_once=3),  # a place each for the watch, the mail and the webhooks
        "beat": [
            *CELERY,
            "beat",
            "--loglevel",
            "INFO",
            "--pidfile=",
            "--schedule",
            str(var / "beat-schedule"),
        ],
        "integrator": [*manage, "integrate"],
    }
