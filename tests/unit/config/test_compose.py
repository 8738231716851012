"""What docker-compose.yml runs is what the suite and `make demo` run."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from config.commands import commands

CHECKOUT = Path(__file__).resolve().parents[3]
#: Services that run the default command of an image that is not ours.
FOREIGN = {"postgres", "redis", "proxy"}
OURS = commands(bind="0.0.0.0:8000", var=Path("/app/var"))


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    composed = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8"))
    found = composed["services"]
    assert isinstance(found, dict)
    return found


def test_compose_runs_every_process_of_the_house_and_no_other(services: dict[str, Any]) -> None:
    assert set(services) == set(OURS) | FOREIGN


@pytest.mark.parametrize("name", sorted(OURS))
def test_the_command_in_compose_is_the_command_of_the_house(services: dict[str, Any], name: str) -> None:
    assert services[name]["command"] == OURS[name]


@pytest.mark.parametrize("name", sorted(FOREIGN))
def test_a_service_that_is_not_ours_runs_its_own_image_as_it_is(services: dict[str, Any], name: str) -> None:
    assert "command" not in services[name]
    assert "entrypoint" not in services[name]
    assert "build" not in services[name]


def test_only_the_migration_connects_as_the_owner_of_the_tables(services: dict[str, Any]) -> None:
    addresses = {name: services[name]["environment"]["DATABASE_URL"] for name in OURS}
    roles = {name: re.split(r"[/:]+", address)[1] for name, address in addresses.items()}
    assert roles.pop("migrate") == "chipledger_owner"
    assert set(roles.values()) == {"chipledger_app"}


def test_no_password_has_a_default(services: dict[str, Any]) -> None:
    text = (CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8")
    for secret in ("OWNER_PASSWORD", "APP_PASSWORD", "SECRET_KEY"):
        uses = re.findall(r"\$\{" + secret + r"(.*?)\}", text)
        assert {use[:2] for use in uses} == {":?"}, secret


def test_only_the_proxy_is_reachable_from_outside(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]


def test_every_file_that_compose_mounts_exists(services: dict[str, Any]) -> None:
    volumes = [volume for service in services.values() for volume in service.get("volumes", [])]
    mounts = [volume for volume in volumes if volume.startswith("./")]
    assert mounts
    for mount in mounts:
        assert (CHECKOUT / PurePosixPath(mount.split(":")[0])).is_file(), mount


def test_the_image_runs_as_an_ordinary_user_with_pinned_packages() -> None:
    lines = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    runtime = lines[next(number for number, line in enumerate(lines) if line.endswith("AS runtime")) :]
    users = [line.removeprefix("USER ") for line in runtime if line.startswith("USER ")]
    assert users
    assert users[-1].split(":")[0] not in ("0", "root")
    assert any("--require-hashes --requirement requirements/server.txt" in line for line in lines)
    assert not any("dev.txt" in line or line.startswith("RUN make") for line in lines), (
        "make installs dev.txt"
    )


def test_no_secret_beside_the_checkout_gets_into_the_image() -> None:
    ignored = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {".env", "**/*.pem", "var", ".git"} <= set(ignored)
