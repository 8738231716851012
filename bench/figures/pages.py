"""The first byte of list pages in a register of 1,000,000 chips, as a regulator asks for them over HTTP."""

from __future__ import annotations

import http.client
import statistics
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from time import perf_counter

from django.conf import settings
from django.db import connection
from django.test import Client

from audits.actions.sweeps import finish_sweep
from audits.models import Sweep
from bench import worlds
from bench.harness import Figure
from bench.registers import build_register
from bench.web import WebServer
from chipledger import clock
from registry.models import Role
from tests.people import person_of
from tracking.queries.history import View

SQL = Path(__file__).resolve().parent.parent / "limits" / "pages"
NOTE = """INSERT INTO registry_reading (organisation_id, person, address, kinds, read_at)
          VALUES (%(organisation)s, 'somebody', '/list/', '{Chip,Holding}', now())"""
VIEWS = "SELECT id, name, query FROM portal_savedview WHERE organisation_id = %(organisation)s AND listing = 'chips'"
_LINES = "INSERT INTO tracking_movementline (chip_id, movement_id) SELECT chip_id, movement_id FROM tracking_holding"


class ListPage:
    """Milliseconds to the first byte (p50) of a list.

    The limit is the same page rendered from constants behind the same sign-in, plus the hand-written SQL: the rows, the
    reader's saved views, and the note of the reading. ``view`` asks for the list as of today, in that view of it.
    """

    unit = "ms"
    target = 1.5
    more_is_better = False
    most_turns = 100

    def __init__(
        self,
        listing: str,
        *,
        view: View | None = None,
        chips: int = 1_000_000,
        sites: int = 2_000,
        requests: int = 60,
    ) -> None:
        self.of = listing if view is None else f"{listing}_as_of"
        self.name = f"page_{self.of}_1m"
        self.listing = listing
        self.view = view
        self.chips = chips
        self.sites = sites
        self.requests = requests
        self._constant_ms: list[float] = []
        self._sql_ms: list[float] = []

    def prepare(self) -> None:
        register = build_register(chips=self.chips, sites=self.sites)
        with connection.cursor() as cursor:
            cursor.execute(_LINES)
        finish_sweep(Sweep.objects.create(at=register.at))
        worlds.settle()
        regulator = register.world.regulator
        browser = Client()
        browser.force_login(person_of(regulator, Role.VIEWER))
        self._cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
        organisation = regulator.organisation
        today = clock.now().date()
        self._asked = "" if self.view is None else f"?as_of={today}&view={self.view}"
        self._values = {
            "countries": list(organisation.countries),
            "organisation": organisation.pk,
            "until": today + timedelta(days=1),
        }
        self._query = (SQL / f"{self.of}.sql").read_text(encoding="utf-8")
        self._web = WebServer({"DJANGO_SETTINGS_MODULE": "bench.settings"})
        for address in (self._address, self._constant_address):
            self._first_byte(address)  # every worker has its templates loaded, and its constants

    def product(self, turn: int) -> float:
        return self._first_byte(self._address)

    def limit(self, turn: int) -> float:
        self._constant_ms.append(self._first_byte(self._constant_address))
        self._sql_ms.append(self._ask())
        return self._constant_ms[-1] + self._sql_ms[-1]

    def further(self) -> Iterable[Figure]:
        return ()

    def notes(self) -> dict[str, float]:
        return {
            "ms of the constant page": statistics.median(self._constant_ms),
            "ms of the SQL": statistics.median(self._sql_ms),
        }

    def end(self) -> None:
        if hasattr(self, "_web"):
            self._web.stop()

    @property
    def _address(self) -> str:
        return f"/{self.listing}/{self._asked}"

    @property
    def _constant_address(self) -> str:
        return f"/constant{self._address}"

    def _first_byte(self, address: str) -> float:
        taken = []
        for _ in range(self.requests):
            line = http.client.HTTPConnection("127.0.0.1", self._web.port, timeout=60)
            start = perf_counter()
            line.request("GET", address, headers={"Cookie": self._cookie})
            answer = line.getresponse()
            taken.append(perf_counter() - start)
            body = answer.read()
            line.close()
            if answer.status != 200 or b"<tbody>" not in body:
                raise RuntimeError(f"{address} was answered with {answer.status} and no table")
        return statistics.median(taken) * 1000

    def _ask(self) -> float:
        taken = []
        for _ in range(self.requests):
            start = perf_counter()
            with connection.cursor() as cursor:
                for query in (self._query, VIEWS):
                    cursor.execute(query, self._values)
                    cursor.fetchall()
                cursor.execute(NOTE, self._values)
            taken.append(perf_counter() - start)
        return statistics.median(taken) * 1000
