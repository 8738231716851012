"""What a visitor of the demo needs for the command line: address, clock, tokens, keys, names, in a file to source."""

from __future__ import annotations

import os
import shlex
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings

from chipledger.statements.common import format_instant
from ledger.log_key import note_key
from registry.actions.tokens import issue_token
from registry.models import ChipModel, Organisation, Site
from simulator.drive.keys import office_key
from simulator.plan.world import World

LIFETIME: Final = timedelta(days=30)
ON_THE_WAY: Final = timedelta(days=30)


def write_tour(world: World, folder: Path, *, maker: str, operator: str, address: str, at: datetime) -> Path:
    """Write ``tour.env`` and the two private keys it names; returns its path.

    The keys are those of a simulated world, which anybody can derive from its seed.
    """
    variables = {
        "CHIPLEDGER_SERVER": address.rstrip("/"),
        "SIMULATED_CLOCK_FILE": str(settings.SIMULATED_CLOCK_FILE),
        "VKEY": note_key().vkey,
        "ARRIVAL": format_instant(at + ON_THE_WAY),
    }
    for role, handle in (("MAKER", maker), ("OPERATOR", operator)):
        organisation = Organisation.objects.get(signer__handle=handle)
        variables |= {
            role: handle,
            f"{role}_TOKEN": issue_token(
                organisation, by=None, label="tour", scopes=["read", "write"], at=at, lifetime=LIFETIME
            ),
            f"{role}_KEY": str(_write_key(folder / f"{role.lower()}.pem", world.seed, handle)),
            f"{role}_SITE": Site.objects.filter(organisation=organisation)
            .order_by("pk")
            .values_list("code")[0][0],
        }
    models = ChipModel.objects.filter(maker__signer__handle=maker)
    variables["MODEL"] = models.order_by("code").values_list("code")[0][0]
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    lines.append(f"export PATH={shlex.quote(str(settings.BASE_DIR / '.venv' / 'bin'))}:$PATH\n")
    path = folder / "tour.env"
    path.write_text("".join(lines), encoding="utf-8")
    path.chmod(0o600)
    return path


def _write_key(path: Path, seed: int, handle: str) -> Path:
    handle_of_file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle_of_file, "wb") as file:
        file.write(office_key(seed, handle).to_pem())
    return path
