"""How the private PostgreSQL is tuned, and which of the wheel's releases it is."""

from __future__ import annotations

import pytest

from config.embedded import postgres


@pytest.mark.parametrize(("machine_gb", "shared_mb"), [(0.25, 64), (1, 256), (2, 512), (64, 512)])
def test_postgres_takes_half_a_gigabyte_at_most_and_a_quarter_of_a_small_machine(
    machine_gb: float, shared_mb: int
) -> None:
    assert postgres.memory_settings(int(machine_gb * 2**30))["shared_buffers"] == f"{shared_mb}MB"


def test_a_durable_cluster_never_trades_a_commit_for_speed() -> None:
    assert postgres.DURABLE == {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
    assert not set(postgres.TUNING) & set(postgres.EPHEMERAL)


def test_postgres_listens_on_no_network() -> None:
    assert postgres.TUNING["listen_addresses"] == ""


def test_the_wheel_carries_release_18() -> None:
    assert postgres.major_release(postgres.find_programs()) == 18
