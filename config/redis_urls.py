"""One Redis address, two spellings: redis-py reads `unix://…?db=0`, Celery `redis+socket://…?virtual_host=0`."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit


def celery_broker_url(redis_url: str) -> str:
    """The broker address that Celery understands for the address that redis-py understands.

    Addresses over TCP are the same for both. Raises ValueError for any other scheme.
    """
    parts = urlsplit(redis_url)
    if parts.scheme in ("redis", "rediss"):
        return redis_url
    if parts.scheme != "unix":
        raise ValueError(f"REDIS_URL begins with {parts.scheme!r}; it must be redis, rediss or unix.")
    query = [("virtual_host" if name == "db" else name, value) for name, value in parse_qsl(parts.query)]
    return f"redis+socket://{parts.netloc}{parts.path}" + (f"?{urlencode(query)}" if query else "")
