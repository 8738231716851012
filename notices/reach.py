"""Where webhooks may go: public addresses only, asked of the name service when one is saved and at each connection.

An organisation chooses the address and our server goes there, so what is open only from inside must stay shut to it.
"""

from __future__ import annotations

import socket
from concurrent.futures import Future
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from threading import BoundedSemaphore, Thread
from time import monotonic
from typing import Final

import httpx
from django.conf import settings

from chipledger.refusals import Refused

Address = IPv4Address | IPv6Address

GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""All that IANA gives out of IPv6; a gateway's names for IPv4 addresses (64:ff9b::/96, ::/96) lie outside."""
NOT_FOR_HOSTS: Final[tuple[IPv4Network | IPv6Network, ...]] = (
    *(IPv4Network(each) for each in ("192.0.0.0/24", "192.88.99.0/24")),
    *(IPv6Network(each) for each in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")),
)
"""What the registries of special addresses (RFC 6890) hold beside what Python knows, whichever version it is."""
LONGEST: Final = 500
LOOKUP_SECONDS: Final = 8.0
"""So long the name service may take: resolvers ask a second server after five seconds (resolv.conf(5))."""
MOST_LOOKUPS: Final = 128
"""So many look-ups a process has under way, with those that nobody waits for any more."""

_places = BoundedSemaphore(MOST_LOOKUPS)


@dataclass(frozen=True)
class Target:
    """A URL in its parts, the host in ASCII as certificates have it."""

    url: str
    scheme: str
    host: str
    port: int


def parse_url(url: str) -> Target:
    """The target that a URL names; raises Refused when no webhook may be written so."""
    try:
        parsed = httpx.URL(url.strip())
        host = parsed.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError):
        raise _bad("This is no URL; write it like https://example.org/chipledger.", url) from None
    if parsed.scheme not in ("https", "http") or not host:
        raise _bad("Give a webhook a URL that begins with https://.", url)
    if parsed.scheme == "http" and not settings.WEBHOOKS_TO_LOOPBACK:
        raise _bad("What a webhook carries is not for everybody; use https.", url)
    if parsed.userinfo:
        raise _bad(
            "A URL with a name or password is not taken; leave them out, the signature tells who sends.", url
        )
    if parsed.fragment:
        raise _bad("A fragment (#…) is never sent; leave it out.", url)
    if len(str(parsed)) > LONGEST:
        raise _bad(f"Give a URL of at most {LONGEST} characters.", url)
    port = {"https": 443, "http": 80}[parsed.scheme] if parsed.port is None else parsed.port
    if not 1 <= port <= 65_535:
        raise _bad("Give a port from 1 to 65535.", url)
    return Target(str(parsed), parsed.scheme, host, port)


def addresses_of(target: Target, *, within: float = LOOKUP_SECONDS) -> list[str]:
    """The addresses that the host has now, all of them public; raises Refused when one is not, or there is none.

    One forbidden address refuses the host: otherwise the order of the answers would decide. ``within`` is how many
    seconds the name service may take.
    """
    try:
        addresses = _look_up(target, within=within)
    except TimeoutError:
        raise Refused(
            "name_service_slow",
            f"The name service did not say within {within:.2g} seconds where {target.host} is. Try again in a minute, "
            "and see that the host's name servers answer.",
            field="url",
            value=target.url,
            status=503,
        ) from None
    except (OSError, UnicodeError):
        raise Refused(
            "host_unknown",
            f"The name service does not know {target.host} now; see that the name is right.",
            field="url",
            value=target.url,
        ) from None
    for address in addresses:
        check_address(address, target)
    return addresses


def _look_up(target: Target, *, within: float) -> list[str]:
    """What the system says of a host, without repetitions; raises TimeoutError, or what the system raises.

    The system's call takes no timeout and cannot be called off. So it is made in a thread of its own, which is left
    behind when it takes too long, and ends with the process at the latest (record 0024).
    """
    end = monotonic() + within
    found: Future[list[str]] = Future()

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            found.set_result(list(dict.fromkeys(str(each[4][0]) for each in answers)))
        except Exception as failure:
            found.set_exception(failure)
        finally:
            _places.release()

    if not _places.acquire(timeout=within):
        raise TimeoutError
    try:
        Thread(target=ask, name=f"look-up of {target.host}", daemon=True).start()
    except RuntimeError:  # the machine has no thread left to give
        _places.release()
        raise TimeoutError from None
    return found.result(max(end - monotonic(), 0))


def check_address(address: str, target: Target) -> None:
    """Refuse an address inside a network, of the machine itself, or of nobody in particular."""
    number = ip_address(address)
    if is_public(number):
        if target.scheme == "https":
            return
        raise _bad("Over http a webhook goes to this machine only; use https.", target.url)
    if settings.WEBHOOKS_TO_LOOPBACK and number.is_loopback:
        return
    raise Refused(
        "address_refused",
        f"{target.host} leads to {address}, which is not an address on the public internet; webhooks go to public "
        "addresses only. Use one that is reachable from outside.",
        field="url",
        value=target.url,
    )


def is_public(address: Address) -> bool:
    """Whether an address belongs to one host on the public internet, whatever way it is written."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address not in GLOBAL_UNICAST:
            return False
    if any(address in network for network in NOT_FOR_HOSTS if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _bad(sentence: str, url: str) -> Refused:
    return Refused("bad_url", sentence, field="url", value=url)
