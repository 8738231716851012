"""The command: papers made offline, filed with a server that answers on loopback, and verified without it."""

from __future__ import annotations

import json
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from chipledger import base64s, manifests
from chipledger.cli import main
from chipledger.dsse import parse_envelope
from chipledger.keys import Algorithm, PrivateKey
from chipledger.manifests import Shape
from chipledger.statements import parse_payload
from chipledger.statements.attestations import EvidenceCollected
from chipledger.statements.common import format_instant
from chipledger.statements.registry import ChipsCommissioned
from chipledger.statements.tracking import StockCounted, TransferDispatched, TransferReceived
from tests.papers import AT, GOOD, VKEY

ORIGIN = "demo.ledger.example"
DIGEST = "ab" * 32
Run = Callable[..., tuple[int, dict[str, Any]]]


class World:
    """What the outside server was sent, and what it answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, bytes, dict[str, str]]] = []
        self.answers: dict[str, list[tuple[int, str, Any]]] = {
            "/api/v1/log/checkpoint": [(200, "text/plain", f"{ORIGIN}\n1\n")],
            "/api/v1/statements": [
                (201, "application/json", {"digest": DIGEST, "state": "accepted", "verdict": {}})
            ],
        }

    def sent(self, path: str) -> bytes:
        return next(body for _, found, body, _ in reversed(self.requests) if found == f"/api/v1/{path}")

    def statement(self) -> Any:
        return parse_payload(parse_envelope(self.sent("statements")).payload)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    found = World()

    class Answer(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found.requests.append((self.command, self.path, body, dict(self.headers)))
            answers = found.answers.get(self.path, [(404, "text/plain", "")])
            code, kind, content = answers.pop(0) if len(answers) > 1 else answers[0]
            text = content if isinstance(content, str) else json.dumps(content)
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = _answer

        def log_message(self, *_: object) -> None:
            """Keep the test's output quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("CHIPLEDGER_SERVER", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("CHIPLEDGER_TOKEN", "secret-token")
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run_json(*arguments: object) -> tuple[int, dict[str, Any]]:
        code = main([*map(str, arguments), "--json"])
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 1
        return code, json.loads(lines[0])

    return run_json


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "alice.pem"
    path.write_bytes(PrivateKey.generate(Algorithm.P256).to_pem())
    return path


def test_a_new_key_is_readable_by_its_owner_only_and_never_overwritten(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "new.pem"
    code, said = run("keys", "new", "--out", path, "--algorithm", "ed25519")
    key = PrivateKey.from_pem(path.read_bytes())
    assert code == 0
    assert (said["key_id"], said["spki"]) == (key.public.key_id, key.public.base64)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    code, said = run("keys", "new", "--out", path)
    assert (code, said["code"]) == (2, "file_unwritable")
    assert PrivateKey.from_pem(path.read_bytes()).public == key.public


def test_a_key_is_encrypted_when_a_password_is_given(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPLEDGER_KEY_PASSWORD", "correct horse")
    run("keys", "new", "--out", tmp_path / "new.pem")
    assert b"ENCRYPTED" in (tmp_path / "new.pem").read_bytes()


def test_register_converts_uploads_signs_and_waits_for_the_job(
    tmp_path: Path, world: World, run: Run, key: Path
) -> None:
    world.answers["/api/v1/manifests"] = [(201, "application/json", {})]
    world.answers["/api/v1/statements"] = [
        (202, "application/json", {"digest": DIGEST, "state": "queued", "job": "j1"})
    ]
    world.answers["/api/v1/jobs/j1"] = [
        (200, "application/json", {"id": "j1", "state": "running", "done": 1, "total": 2}),
        (
            200,
            "application/json",
            {"id": "j1", "state": "succeeded", "done": 2, "total": 2, "result": {"chips": 2}},
        ),
    ]
    source = tmp_path / "batch.csv"
    source.write_text('"serial",model\nSN1,h100\nSN2,h100\n')
    code, said = run("register", source, "--site", "fab-1", "--organisation", "nvidia", "--key", key)
    assert (code, said["state"], said["result"]) == (0, "accepted", {"chips": 2})
    assert world.sent("manifests") == b"model,serial,device_key\nh100,SN1,\nh100,SN2,\n"
    statement = world.statement()
    assert isinstance(statement, ChipsCommissioned)
    assert (statement.log, statement.site, statement.signers[0].organisation) == (ORIGIN, "fab-1", "nvidia")
    headers = next(headers for _, path, _, headers in world.requests if path.endswith("manifests"))
    secret = base64s.decode(headers["Manifest-Secret"], field="secret")
    secret_file = tmp_path / "batch.csv.secret"
    assert secret == secret_file.read_bytes()
    assert stat.S_IMODE(secret_file.stat().st_mode) == 0o600
    reader = manifests.ManifestReader(Shape.COMMISSION, secret)
    reader.feed(world.sent("manifests"))
    assert reader.close().rows_root == statement.manifest.rows_root
    assert all(headers.get("Authorization") == "Bearer secret-token" for *_, headers in world.requests)


def test_faults_of_a_file_are_refused_before_anything_is_sent(
    tmp_path: Path, world: World, run: Run, key: Path
) -> None:
    source = tmp_path / "batch.csv"
    source.write_text("model,serial\nH100,SN1\nh100,SN 2\n")
    code, said = run("register", source, "--site", "fab-1", "--organisation", "nvidia", "--key", key)
    assert (code, said["code"], said["row"], said["field"], said["value"]) == (
        2,
        "bad_model",
        1,
        "model",
        "H100",
    )
    assert world.requests == []
    rejected = (tmp_path / "batch.csv.rejected.csv").read_text().splitlines()
    assert [line.split(",")[:4] for line in rejected[1:]] == [
        ["1", "model", "H100", "bad_model"],
        ["2", "serial", "SN 2", "bad_serial"],
    ]


def test_a_failed_job_is_a_refusal_with_its_row(tmp_path: Path, world: World, run: Run, key: Path) -> None:
    world.answers["/api/v1/manifests"] = [(201, "application/json", {})]
    world.answers["/api/v1/statements"] = [(202, "application/json", {"digest": DIGEST, "job": "j1"})]
    problem = {"code": "serial_taken", "title": "Taken.", "row": 1, "field": "serial", "value": "SN1"}
    counts = {"serial_taken": 2, "unknown_model": 1}
    failed = {"id": "j1", "state": "failed", "done": 0, "problems": [problem], "counts": counts}
    world.answers["/api/v1/jobs/j1"] = [(200, "application/json", failed)]
    world.answers["/api/v1/jobs/j1/rejected"] = [(200, "text/csv", "row,field\n1,serial\n")]
    source = tmp_path / "batch.jsonl"
    source.write_text('{"model":"h100","serial":"SN1"}\n')
    code, said = run("register", source, "--site", "fab-1", "--organisation", "nvidia", "--key", key)
    assert (code, said["code"], said["row"], said["value"]) == (2, "serial_taken", 1, "SN1")
    assert "2 serial_taken, 1 unknown_model; see batch.jsonl.rejected.csv (job j1)" in said["title"]
    assert (tmp_path / "batch.jsonl.rejected.csv").read_text() == "row,field\n1,serial\n"


def test_dispatch_names_a_few_chips_inside_the_statement(world: World, run: Run, key: Path) -> None:
    route = ("--from-site", "fab-1", "--consignee", "bob", "--to-site", "dc-1")
    arrival = ("--estimated-arrival", "2026-02-03T00:00:00Z")
    chips = ("--chip", "nvidia/SN2", "--chip", "nvidia/SN1")
    code, said = run("dispatch", *chips, *route, *arrival, "--organisation", "alice", "--key", key)
    statement = world.statement()
    assert (code, said["digest"]) == (0, DIGEST)
    assert isinstance(statement, TransferDispatched)
    assert statement.chips == ["nvidia/SN1", "nvidia/SN2"]
    assert statement.consignee == "bob"


def test_dispatch_of_many_chips_names_a_manifest(tmp_path: Path, world: World, run: Run, key: Path) -> None:
    world.answers["/api/v1/manifests"] = [(201, "application/json", {})]
    source = tmp_path / "chips.csv"
    source.write_text("maker,serial\n" + "".join(f"nvidia,SN{number}\n" for number in range(501)))
    route = ("--from-site", "fab-1", "--consignee", "bob", "--to-site", "dc-1")
    arrival = ("--estimated-arrival", "2026-02-03T00:00:00Z")
    code, _ = run("dispatch", "--chips", source, *route, *arrival, "--organisation", "alice", "--key", key)
    assert code == 0
    assert world.statement().manifest.rows == 501


@pytest.mark.parametrize(
    ("found", "chips", "method"),
    [
        (["--chip", "nvidia/SN2", "--chip", "nvidia/SN1"], ["nvidia/SN1", "nvidia/SN2"], "scan"),
        (["--nothing"], [], "scan"),
        (["--nothing", "--method", "attestations"], [], "attestations"),
    ],
    ids=["chips", "nothing", "method"],
)
def test_count_says_what_was_found(
    world: World, run: Run, key: Path, found: list[str], chips: list[str], method: str
) -> None:
    code, _ = run("count", *found, "--site", "dc-1", "--organisation", "bob", "--key", key)
    statement = world.statement()
    assert code == 0
    assert isinstance(statement, StockCounted)
    assert (statement.site, statement.chips, statement.method) == ("dc-1", chips, method)


def test_count_of_a_file_says_that_it_came_from_one(
    tmp_path: Path, world: World, run: Run, key: Path
) -> None:
    source = tmp_path / "found.csv"
    source.write_text("chip\nnvidia/SN2\nnvidia/SN1\n")
    when = ("--counted-at", "2026-01-31T11:00:00Z")
    code, _ = run("count", "--chips", source, "--site", "dc-1", *when, "--organisation", "bob", "--key", key)
    statement = world.statement()
    assert code == 0
    assert (statement.method, statement.chips) == ("file", ["nvidia/SN1", "nvidia/SN2"])
    assert f"{statement.counted_at:%H:%M}" == "11:00"


def test_receive_signs_the_differences(world: World, run: Run, key: Path) -> None:
    differences = (
        "--short",
        "nvidia/1",
        "--over",
        "nvidia/9",
        "--swapped",
        "nvidia/2=nvidia/8",
        "--damaged",
        "nvidia/3",
        "--why",
        "nvidia/1=seal_broken",
    )
    code, _ = run("receive", DIGEST, *differences, "--organisation", "bob", "--key", key)
    statement = world.statement()
    assert code == 0
    assert isinstance(statement, TransferReceived)
    assert (statement.accepted_all, statement.short, statement.over) == (True, ["nvidia/1"], ["nvidia/9"])
    assert (statement.swapped[0].expected, statement.swapped[0].found) == ("nvidia/2", "nvidia/8")
    assert [(reason.chip, reason.why) for reason in statement.reasons] == [("nvidia/1", "seal_broken")]
    for wrong in ("nvidia/1", "nvidia/1=because", "nvidia/7=unknown"):
        code, said = run(
            "receive", DIGEST, "--short", "nvidia/1", "--why", wrong, "--organisation", "bob", "--key", key
        )
        assert (code, said["code"]) == (2, "bad_field"), wrong
    code, said = run("receive", "nonsense", "--organisation", "bob", "--key", key)
    assert (code, said["code"], said["field"]) == (2, "bad_field", "dispatch")


def test_attest_lets_each_chip_sign_and_keeps_the_chains_of_those_accepted(
    tmp_path: Path, world: World, run: Run, key: Path
) -> None:
    world.answers["/api/v1/nonces"] = [(201, "application/json", {"nonce": "n" * 43})]
    world.answers["/api/v1/statements"] = [
        (
            201,
            "application/json",
            {"digest": DIGEST, "verdict": {"accepted": 1, "results": {"1": "unknown_chip"}}},
        )
    ]
    chips = [PrivateKey.generate(algorithm) for algorithm in (Algorithm.P384, Algorithm.P256)]
    devices = tmp_path / "devices.json"
    listed = [{"chip": f"nvidia/{place}", "pem": chip.to_pem().decode()} for place, chip in enumerate(chips)]
    devices.write_text(json.dumps({"chips": listed}))
    code, _ = run("attest", devices, "--site", "dc-1", "--organisation", "bob", "--key", key)
    statement = world.statement()
    assert code == 0
    assert isinstance(statement, EvidenceCollected)
    for item, chip in zip(statement.items, chips, strict=True):
        assert chip.public.verify(base64s.decode(item.sig, field="sig"), item.message)
    claims = json.loads(statement.items[0].claims)
    assert (claims["seq"], claims["prev"], claims["eat_nonce"]) == (1, None, "n" * 43)
    kept = json.loads(devices.read_text())["chips"]
    assert [(device["seq"], device["prev"]) for device in kept] == [
        (1, statement.items[0].digest.hex()),
        (0, None),
    ]


def test_a_paper_is_signed_offline_and_filed_later(tmp_path: Path, world: World, run: Run, key: Path) -> None:
    common = ("--organisation", "bob", "--key", key)
    run("receive", DIGEST, *common, "--log", ORIGIN, "--out", tmp_path / "paper.json")
    assert world.requests == []
    payload = tmp_path / "payload.json"
    payload.write_bytes(parse_envelope((tmp_path / "paper.json").read_bytes()).payload)
    code, said = run("sign", payload, "--key", key, "--out", tmp_path / "again.json")
    assert (code, said["kind"]) == (0, "transfer.received")
    code, said = run("submit", tmp_path / "again.json")
    assert (code, said["digest"]) == (0, DIGEST)
    assert world.sent("statements") == (tmp_path / "again.json").read_bytes()


def test_what_the_server_refuses_is_said_with_code_and_place(
    tmp_path: Path, world: World, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = {
        "code": "not_the_holder",
        "title": "Not yours.",
        "field": "chips",
        "value": "nvidia/1",
        "status": 409,
    }
    world.answers["/api/v1/statements"] = [(409, "application/problem+json", problem)]
    paper = tmp_path / "paper.json"
    common = ("--organisation", "bob", "--key", str(key), "--log", ORIGIN)
    main(["receive", DIGEST, *common, "--out", str(paper)])
    capsys.readouterr()
    for words in (["submit", str(paper)], ["submit", str(paper), "--json"]):
        assert main(words) == 2
        assert capsys.readouterr().err == "not_the_holder: Not yours. (field chips, value nvidia/1)\n"


def test_status_prints_what_the_server_knows(world: World, run: Run) -> None:
    world.answers[f"/api/v1/transfers/{DIGEST}"] = [(200, "application/json", {"state": "dispatched"})]
    assert run("status", "transfer", DIGEST) == (0, {"state": "dispatched"})
    code, said = run("status", "job", "unknown")
    assert (code, said["code"], said["status"]) == (2, "server_error", 404)


@pytest.mark.parametrize(
    ("status", "what_next"),
    [
        (404, "See that its address and the token are right."),
        (401, "See that its address and the token are right."),
        (429, "Try again later."),
        (502, "Try again later."),
    ],
)
def test_only_what_may_pass_is_worth_another_try(world: World, run: Run, status: int, what_next: str) -> None:
    world.answers["/api/v1/jobs/j1"] = [(status, "text/html", "")]
    code, said = run("status", "job", "j1")
    assert (code, said["status"]) == (2, status)
    assert said["title"].endswith(f". {what_next}")


def test_a_token_never_travels_in_the_clear(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIPLEDGER_TOKEN", "secret-token")
    code, said = run("status", "job", "1", "--server", "http://ledger.example")
    assert (code, said["code"]) == (2, "server_not_secure")
    monkeypatch.delenv("CHIPLEDGER_SERVER", raising=False)
    code, said = run("status", "job", "1")
    assert (code, said["code"]) == (2, "server_unknown")


def test_a_server_that_is_gone_is_a_refusal(run: Run) -> None:
    code, said = run("status", "job", "1", "--server", f"http://127.0.0.1:{_closed_port()}")
    assert (code, said["code"]) == (2, "server_unreachable")


def test_verify_checks_bundles_and_receipts_without_a_server(tmp_path: Path, run: Run) -> None:
    bundle = tmp_path / "bundle.json"
    bundle.write_bytes(GOOD.to_json())
    code, said = run("verify", bundle, "--vkey", VKEY)
    assert (code, said["verified"], len(said["statements"])) == (0, True, 2)
    (tmp_path / "log.vkey").write_text(VKEY + "\n")
    assert run("verify", bundle, "--vkey", f"@{tmp_path / 'log.vkey'}")[0] == 0
    bundle.write_bytes(
        replace(GOOD, items=(replace(GOOD.items[0], receipt=GOOD.items[1].receipt),)).to_json()
    )
    code, said = run("verify", bundle, "--vkey", VKEY)
    assert (code, said["code"]) == (2, "inclusion_invalid")
    assert said["title"].startswith("Step 6 (inclusion) failed")


def test_verify_checks_a_receipt_with_its_envelope(tmp_path: Path, run: Run) -> None:
    for logged in (GOOD.items[0], GOOD.keys[0].source):
        (tmp_path / "paper.tlog-proof").write_text(logged.receipt)
        (tmp_path / "paper.json").write_bytes(logged.envelope)
        receipt = ("verify", tmp_path / "paper.tlog-proof", "--vkey", VKEY)
        about = ("--envelope", tmp_path / "paper.json")
        code, said = run(*receipt, *about, "--accepted-at", format_instant(AT))
        assert (code, said["verified"], said["log_size"]) == (0, True, 4)
        code, said = run(*receipt, *about, "--accepted-at", "2026-01-31T12:00:01Z")
        assert (code, said["code"]) == (2, "inclusion_invalid")
        code, said = run(*receipt)
        assert (code, said["code"]) == (2, "receipt_alone")


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
