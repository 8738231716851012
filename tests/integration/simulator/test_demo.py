"""`make demo` as its user meets it: one command, a report, pages on localhost, and nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from config.processes import process_tree

CHECKOUT = Path(__file__).resolve().parents[3]
SECONDS = 240.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def take_the_tour(folder: Path) -> str:
    """The README's minute with the command line, as it is printed there; what it told, a line that failed ends it."""
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    printed = readme.split("## Sixty seconds with the command line")[1].split("```sh\n")[1].split("```")[0]
    (folder / "var").mkdir()
    (folder / "var" / "demo").symlink_to(folder / "demo")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", printed],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_demo_reports_serves_and_leaves_nothing_behind(tmp_path: Path) -> None:
    port = free_port()
    own = {"DATABASE_URL", "REDIS_URL", "LOG_KEY_FILE", "CHECKPOINT_COPY", "LOG_ORIGIN"}
    environment = {name: value for name, value in os.environ.items() if name not in own}
    environment |= {
        "VAR_DIR": str(tmp_path),
        "PORT": str(port),
        "DEMO_SEED": "5",
        "DEMO_CHIPS": "600",
        "DEMO_MONTHS": "2",
    }
    demo = subprocess.Popen(
        [sys.executable, "-m", "simulator.demo"],
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watchdog = threading.Timer(SECONDS, demo.kill)
    watchdog.start()
    try:
        assert demo.stdout is not None
        said = []
        for line in demo.stdout:
            said.append(line)
            if "Ctrl-C stops everything" in line:
                break
        text = "".join(said)
        assert "Recall:" in text, text
        assert "replayed from the log, is the same" in text, text
        assert [line.split()[0] for line in said if "@demo.example" in line] == [
            "maker",
            "operator",
            "regulator",
        ]
        try:
            with urlopen(f"http://127.0.0.1:{port}/account/login/", timeout=20) as answer:
                status = answer.status
        except HTTPError as refused:
            status = refused.code
            refused.close()
        assert status == 200
        told = take_the_tour(tmp_path)
        assert "state: partially_received" in told, told
        assert "verified: true" in told, told
        family = set(process_tree(demo.pid))
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)
        assert demo.returncode == 130
    finally:
        watchdog.cancel()
        demo.kill()
        demo.communicate()
    deadline = time.monotonic() + 20
    while (left := {pid for pid in family if Path(f"/proc/{pid}").exists()}) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left
