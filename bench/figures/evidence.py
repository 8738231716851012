"""Evidence of chips, in signed batches of 500, through the web server of the house: gunicorn with two workers."""

from __future__ import annotations

import hashlib
import http.client
import json
import statistics
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from attestations.models import Sighting
from attestations.nonces import issue_nonce
from bench import worlds
from bench.consumption import cpu_seconds, postmaster
from bench.harness import Figure
from bench.limits.verifying import Signed, verify_all
from bench.web import WebServer
from chipledger import base64s, clock
from chipledger.statements.attestations import EvidenceCollected
from chipledger.statements.common import format_instant
from ledger import door
from registry.actions.tokens import issue_token

CLIENTS = 4
SITE = "dc-1"


class EvidenceOverHttp:
    """Envelopes are built and signed before the clock starts; the client that posts them runs on the same cores.

    20,000 chips prove themselves once a turn: as many as in the demo, so that a web worker keeps their device keys
    parsed, as the limit does. The first turn, in ``prepare``, is every chip's first sighting, with every key new;
    the others go on from it. Processor time is noted beside the rates: it says the same on a machine that has other
    work to do, where rates say little.
    """

    name = "evidence_http_500"
    unit = "items/s"
    target = 0.4
    more_is_better = True
    most_turns = 100

    def __init__(self, *, batches: int = 40, items: int = 500) -> None:
        self.batches = batches
        self.items = items
        self._sequence = 0
        self._spent_by_client: list[float] = []
        self._spent_by_house: list[float] = []
        self._spent_verifying: list[float] = []

    def prepare(self) -> None:
        self._world = world = worlds.small_world()
        serials = worlds.serials(self.batches * self.items)
        self._keys = dict(
            zip(
                (f"{world.maker.handle}/{serial}" for serial in serials),
                worlds.new_keys(len(serials)),
                strict=True,
            )
        )
        spkis = [key.public.spki for key in self._keys.values()]
        worlds.give_chips(world, serials, spkis, holder=world.operator.handle, site=SITE)
        self._previous: dict[str, str | None] = dict.fromkeys(self._keys)
        self._signed: list[Signed] = []
        self._token = issue_token(
            world.operator.organisation,
            by=None,
            label="bench",
            scopes=["attest"],
            at=clock.now(),
            lifetime=timedelta(days=1),
        )
        self._web = WebServer()
        self._first = self.product(-1)
        worlds.settle()
        self._spent_by_client.clear()
        self._spent_by_house.clear()

    def product(self, turn: int) -> float:
        envelopes = self._sign_round()
        house = (self._web.pid, postmaster())
        of_client, of_house = time.process_time(), cpu_seconds(house)
        start = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as clients:
            answers = list(clients.map(self._post, envelopes))
        seconds = time.perf_counter() - start
        self._spent_by_client.append(time.process_time() - of_client)
        self._spent_by_house.append(cpu_seconds(house) - of_house)
        for status, body in answers:
            if status != 201 or json.loads(body)["verdict"]["accepted"] != self.items:
                raise RuntimeError(f"a batch was answered with {status}: {body[:500]!r}")
        if Sighting.objects.filter(seq=self._sequence).count() != len(self._keys):
            raise RuntimeError("not every chip was seen")
        return len(self._keys) / seconds

    def limit(self, turn: int) -> float:
        rate, seconds = verify_all(self._signed)
        self._spent_verifying.append(seconds)
        return rate

    def further(self) -> Iterable[Figure]:
        return ()

    def notes(self) -> dict[str, float]:
        house, client, bare = (
            statistics.median(spent)
            for spent in (self._spent_by_house, self._spent_by_client, self._spent_verifying)
        )
        microseconds = 1e6 / len(self._keys)
        return {
            "items/s of first sightings": self._first,
            "µs of processor time an item costs the house": house * microseconds,
            "µs of processor time an item costs the client": client * microseconds,
            "µs of processor time of bare verification": bare * microseconds,
            "ratio of bare verification to the house by processor time": bare / house,
            "ratio by processor time with the client on both sides": (bare + client) / (house + client),
            "peak MB of a web worker": self._web.peak_mb(),
        }

    def end(self) -> None:
        if hasattr(self, "_web"):
            self._web.stop()

    def _sign_round(self) -> list[bytes]:
        """The next evidence of every chip, in one envelope for each batch."""
        self._sequence += 1
        names = list(self._keys)
        self._signed.clear()
        return [
            self._sign_batch(names[start : start + self.items]) for start in range(0, len(names), self.items)
        ]

    def _sign_batch(self, names: list[str]) -> bytes:
        operator, at = self._world.operator, door.now()
        nonce = issue_nonce(SITE, operator.handle, at)
        items = []
        for name in names:
            key = self._keys[name]
            claims = json.dumps(
                {
                    "eat_nonce": nonce,
                    "ueid": name,
                    "seq": self._sequence,
                    "prev": self._previous[name],
                    "site": SITE,
                    "iat": format_instant(at),
                },
                separators=(",", ":"),
            )
            message = claims.encode()
            signature = key.sign(message)
            self._previous[name] = hashlib.sha256(message).hexdigest()
            self._signed.append((key.public.raw, signature, message))
            items.append({"claims": claims, "sig": base64s.encode(signature)})
        return self._world.envelope(
            EvidenceCollected, by=operator, key=operator.machine_key, site=SITE, eat_nonce=nonce, items=items
        )

    def _post(self, envelope: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._web.port, timeout=60)
        try:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
            connection.request("POST", "/api/v1/statements", envelope, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
