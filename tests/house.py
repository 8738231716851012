"""The whole house as in production: every process, started by the commands that compose starts, over real HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg2

from chipledger import clock
from chipledger.dsse import sign_payload
from chipledger.keys import PrivateKey
from chipledger.notes import NoteKey
from chipledger.statements import Statement, common_fields, write_payload
from chipledger.statements.common import KeyGrant, SignerRef
from config.commands import commands
from config.embedded import start
from config.embedded.plan import CHECKOUT
from config.processes import Processes, process_tree

ORIGIN = "demo.chipledger/house"
RUNNING = ("web", "worker", "notices", "beat", "integrator")
PATIENCE = 60.0
LINK = re.compile(r"http://\S+/invitations/\S+/")


def eventually(fact: Callable[[], Any], what: str, *, within: float = PATIENCE) -> Any:
    """The first true value of a fact; fails with what was waited for."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if found := fact():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come about within {within:g} seconds")


def lives(pid: int) -> bool:
    """Whether a process exists and is not just waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@dataclass
class Member:
    """An organisation with its administrator's key in a file, and the token of its programs."""

    handle: str
    pem: Path
    key: PrivateKey
    token: str = ""
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def grant(self) -> KeyGrant:
        return KeyGrant(spki=self.key.public.base64, purpose="statement", role="administrator")

    def envelope(self, kind: type[Statement], **members: Any) -> bytes:
        """A signed envelope, made without the command."""
        signer = SignerRef(organisation=self.handle, key=self.key.public.key_id)
        common = common_fields(log=ORIGIN, signers=[signer], at=clock.now())
        return sign_payload(write_payload(kind.model_validate({**common, **members})), [self.key]).to_json()


@dataclass
class House:
    """The running house, and the folder in which it keeps everything."""

    folder: Path
    members: dict[str, Member] = field(default_factory=dict)
    pids: set[int] = field(default_factory=set)

    def open(self) -> contextlib.ExitStack:
        """Start the services, migrate, and start every process; all of it ends with the stack."""
        with contextlib.ExitStack() as stack:
            self.services = stack.enter_context(start(self.folder / "data", durable=True))
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.server = f"http://127.0.0.1:{free.getsockname()[1]}"
            self.environment = {
                **self.services.environment(),
                "VAR_DIR": str(self.folder),
                "LOG_ORIGIN": ORIGIN,
                "LOG_KEY_FILE": str(self.folder / "log-key.pem"),
                "CHECKPOINT_COPY": str(self.folder / "checkpoint"),
                "PUBLIC_URL": self.server,
                "JOB_LEASE_SECONDS": "3",
                "WEBHOOKS_TO_LOOPBACK": "true",
            }
            self.commands = commands(bind=self.server.removeprefix("http://"), var=self.folder)
            self.run(self.commands["migrate"])
            self.processes = stack.enter_context(
                Processes(logs=self.folder / "log", cwd=CHECKOUT, environment=self.environment)
            )
            for name in RUNNING:
                self.start(name)
            eventually(self.answers, "the web server", within=PATIENCE)
            return stack.pop_all()

    def start(self, name: str) -> None:
        self.pids.add(self.processes.start(name, self.commands[name]))

    def restart(self, name: str) -> None:
        """What compose does to a process that died: start it anew."""
        self.note_pids()
        log = self.folder / "log" / f"{name}.log"
        self.processes.stop(name)
        log.rename(log.with_suffix(f".{time.monotonic_ns()}.log"))
        self.start(name)

    def note_pids(self) -> None:
        """Remember every process there is, to see at the end that none outlived the house."""
        roots = [self.services.guardian_pid, *self.roots().values()]
        self.pids |= {pid for root in roots for pid in process_tree(root)}

    def roots(self) -> dict[str, int]:
        """The first process of each command."""
        return {name: child.process.pid for name, child in self.processes._children.items()}

    def answers(self) -> bool:
        self.processes.check()
        try:
            return httpx.get(f"{self.server}/api/v1/schema", timeout=5).is_success
        except httpx.HTTPError:
            return False

    def run(self, argv: Sequence[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one command of the house to its end."""
        program = [sys.executable, *argv[1:]] if argv[0] == "python" else list(argv)
        done = subprocess.run(
            program,
            cwd=CHECKOUT,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 or not check, f"{argv}\n{done.stdout}\n{done.stderr}"
        return done

    def manage(self, *words: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run(["python", "manage.py", *map(str, words)], check=check)

    def cli(self, *words: object, by: Member | None = None, code: int = 0) -> dict[str, Any]:
        """What the command `chipledger … --json` prints; fails when it ends with another code than expected."""
        self.environment |= {"CHIPLEDGER_SERVER": self.server, "CHIPLEDGER_TOKEN": by.token if by else ""}
        argv = ["python", "-m", "chipledger.cli", *map(str, words), "--json"]
        done = self.run(argv, check=False)
        assert done.returncode == code, f"{words}\n{done.stdout}\n{done.stderr}"
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    def api(self, method: str, path: str, *, by: Member | None = None, **more: Any) -> httpx.Response:
        headers = {**more.pop("headers", {})}
        if by is not None:
            headers["Authorization"] = f"Bearer {by.token}"
        return httpx.request(method, f"{self.server}{path}", headers=headers, timeout=60, **more)

    def ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of one query of the database itself."""
        connection = psycopg2.connect(self.services.database_url)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql, values)
                return cursor.fetchall()
        finally:
            connection.close()

    def file(self, member: Member, kind: type[Statement], **members: Any) -> dict[str, Any]:
        """File a statement with the member's own token; fails when it is refused."""
        answer = self.send(member, member.envelope(kind, **members))
        assert answer.status_code in (201, 202), answer.text
        said: dict[str, Any] = answer.json()
        return said

    def send(self, member: Member, raw: bytes) -> httpx.Response:
        told = {"Content-Type": "application/json"}
        return self.api("POST", "/api/v1/statements", by=member, content=raw, headers=told)

    def vkey(self) -> str:
        return self.api("GET", "/log/vkey").text.strip()

    def log_key(self) -> str:
        return NoteKey.parse(self.vkey()).public.base64

    def wait_until_logged(self) -> None:
        """Until no statement waits for its place in the log."""
        eventually(lambda: self.ask("SELECT count(*) FROM ledger_pendingentry") == [(0,)], "the integration")

    def differences(self) -> list[Any]:
        """What `manage.py replay` finds."""
        found: list[Any] = json.loads(self.manage("replay", "--json", check=False).stdout)["differences"]
        return found

    def new_member(self, handle: str) -> Member:
        """A key made by the command."""
        pem = self.folder / f"{handle}.pem"
        self.cli("keys", "new", "--out", pem)
        self.members[handle] = Member(handle, pem, PrivateKey.from_pem(pem.read_bytes()))
        return self.members[handle]

    def letter_to(self, handle: str) -> str:
        """The link in a letter, which the demo prints to the log of the process that sent it."""
        log = self.folder / "log" / "web.log"
        letter = re.compile(rf"^To: {handle}@example\.org$.*?({LINK.pattern})", re.MULTILINE | re.DOTALL)
        found: re.Match[str] = eventually(lambda: letter.search(log.read_text()), f"a letter to {handle}")
        return found[1]

    def accept(self, member: Member, link: str) -> None:
        """Follow the letter, choose a password, sign in, and make a token on the pages' own API."""
        password = "a long enough password"
        with httpx.Client(timeout=60, follow_redirects=True) as browser:
            post_form(browser, link, {"name": "", "password": password})
            email = f"{member.handle}@example.org"
            post_form(browser, f"{self.server}/account/login/", {"login": email, "password": password})
            made = browser.post(
                f"{self.server}/api/v1/tokens",
                json={"label": "house", "scopes": ["read", "write", "attest"], "days": 1},
                headers={"X-CSRFToken": browser.cookies["csrftoken"], "Referer": self.server},
            )
            member.cookies = browser.cookies
        assert made.status_code == 201, made.text
        member.token = made.json()["secret"]

    def decide(self, regulator: Member, handle: str) -> None:
        """Vet an applicant on the regulator's page of applications."""
        [(number,)] = self.ask("SELECT id FROM registry_application WHERE handle = %s", handle)
        with httpx.Client(timeout=60, follow_redirects=True, cookies=regulator.cookies) as browser:
            page = f"{self.server}/applications/"
            post_form(browser, page, {"decision": "vet"}, to=f"{page}{number}/")


def post_form(
    browser: httpx.Client, address: str, fields: dict[str, str], *, to: str | None = None
) -> httpx.Response:
    """Load a page's form and send it, as a person does."""
    page = browser.get(address)
    assert page.is_success, f"{address}: {page.status_code}"
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert token is not None, address
    sent = browser.post(
        to or address, data={**fields, "csrfmiddlewaretoken": token[1]}, headers={"Referer": address}
    )
    assert sent.is_success, f"{address}: {sent.status_code} {sent.text[:2000]}"
    return sent


def opened(folder: Path) -> Iterator[House]:
    """A house that is up, and gone without a trace afterwards."""
    house = House(folder)
    stack = house.open()
    with stack:
        yield house
        house.note_pids()
    eventually(lambda: not [pid for pid in house.pids if lives(pid)], "the end of every process")
