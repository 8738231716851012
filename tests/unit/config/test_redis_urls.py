"""One Redis address is spelled for redis-py and for Celery."""

from __future__ import annotations

import pytest

from config.redis_urls import celery_broker_url


@pytest.mark.parametrize(
    ("redis_url", "broker_url"),
    [
        ("unix:///run/cl/redis.sock?db=3", "redis+socket:///run/cl/redis.sock?virtual_host=3"),
        ("unix:///run/cl/redis.sock", "redis+socket:///run/cl/redis.sock"),
        ("redis://redis:6379/0", "redis://redis:6379/0"),
        ("rediss://:secret@redis:6380/1", "rediss://:secret@redis:6380/1"),
    ],
)
def test_celery_reads_the_address_that_redis_reads(redis_url: str, broker_url: str) -> None:
    assert celery_broker_url(redis_url) == broker_url


def test_an_address_that_is_no_redis_address_is_refused() -> None:
    with pytest.raises(ValueError, match="postgresql"):
        celery_broker_url("postgresql://localhost/chipledger")
