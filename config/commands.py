"""The commands of the running house, defined once for `make demo`, docker-compose.yml and the tests."""

from __future__ import annotations

from pathlib import Path

#: The longest a request may take, in seconds; larger work goes through the inbox.
WEB_TIMEOUT_SECONDS = 60


def commands(*, bind: str, var: Path) -> dict[str, list[str]]:
    """What each process is started with, by name; the first word `python` means the interpreter of the house.

    ``bind`` is the address the web server listens on, ``var`` the folder for what the processes keep.
    """
    manage = ["python", "manage.py"]
    celery = ["python", "-m", "celery", "-A", "config.celery"]
    gunicorn = ["python", "-m", "gunicorn", "config.wsgi"]
    return {
        "migrate": [*manage, "migrate", "--noinput"],
        "web": [*gunicorn, "--bind", bind, "--workers", "2", "--timeout", str(WEB_TIMEOUT_SECONDS)],
        "worker": [*celery, "worker", "--loglevel", "INFO", "--concurrency", "2", "--without-mingle"],
        "beat": [
            *celery,
            "beat",
            "--loglevel",
            "INFO",
            "--pidfile=",
            "--schedule",
            str(var / "beat-schedule"),
        ],
        "integrator": [*manage, "integrate"],
    }
