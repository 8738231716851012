"""The last line of `make demo-report`: one JSON object with the members that machines read."""

from __future__ import annotations

import json
from pathlib import Path

from audits.rules import RULE_OF
from config.processes import Processes
from simulator.demo import Demo
from simulator.demonstration import last_line
from simulator.scoring import score
from tests.unit.simulator.test_scoring import found, planted, truth

MEMBERS = [
    *("seed", "chips", "planted", "found", "recall", "precision", "per_rule"),
    *("replay_differences", "seconds", "peak_mb"),
]


def test_the_last_line_has_every_member_and_the_seconds_of_every_step(tmp_path: Path) -> None:
    demo = Demo(seed=1, chips=3, months=2, port=0, only_report=True, folder=tmp_path)
    demo.seconds |= {"install": 31.04, "simulate": 2.26, "sweep": 0.51, "replay": 1.0, "other": 9.0}
    result = score(truth(planted()), [found(), found(chip="maker/2")])
    with Processes(logs=tmp_path, cwd=tmp_path) as processes:
        processes.start("worker", ["python", "-c", "input()"])
        line = json.loads(json.dumps(last_line(demo, result, 4, processes, None)))
    assert list(line) == MEMBERS
    assert (line["planted"], line["found"], line["recall"], line["precision"]) == (1, 1, 1.0, 1.0)
    assert line["seconds"] == {"install": 31.0, "simulate": 2.3, "sweep": 0.5, "replay": 1.0}
    assert line["per_rule"].keys() == RULE_OF.keys()
    assert line["replay_differences"] == 4
    assert line["peak_mb"].keys() == {"worker", "simulator"}
    assert line["peak_mb"]["simulator"] > 10
