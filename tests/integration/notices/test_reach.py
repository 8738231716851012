"""Where webhooks may go, and that what was checked is what is reached."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chipledger.refusals import Refused
from notices.posting import Outcome, post
from notices.reach import addresses_of, is_public, parse_url
from tests.integration.notices.receiver import (
    Receiver,
    drip,
    hang,
    listening,
    megabytes,
    nonsense,
    status,
)

PUBLIC = "93.184.215.14"
FORBIDDEN = [
    "0.0.0.0",  # noqa: S104 - this host (RFC 1122); nothing is bound to it
    "10.0.0.1",
    "100.64.0.1",  # carriers' NAT (RFC 6598)
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",  # where clouds keep credentials
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",  # IPv4-compatible
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",  # NAT64
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::7f00:1",  # Teredo
    "2001:db8::1",
    "2002:7f00:1::",  # 6to4
    "3fff::1",  # documentation (RFC 9637)
    "5f00::1",  # segment routing (RFC 9602)
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
ALLOWED = [PUBLIC, "1.1.1.1", "172.15.0.1", "172.32.0.1", "::ffff:1.1.1.1", "2606:4700::1111"]
Resolve = Callable[..., None]


@pytest.fixture
def resolves(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """A name service of the world outside: each look-up of `hooks.example` gets the next answer, then the last."""
    real = socket.getaddrinfo

    def use(*answers: list[str]) -> None:
        waiting = list(answers)

        def answer(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
            if host != "hooks.example":
                return real(host, port, *args, **kwargs)
            found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if not found:
                raise socket.gaierror
            return [each for address in found for each in real(address, port, *args, **kwargs)]

        monkeypatch.setattr(socket, "getaddrinfo", answer)

    return use


def refusal(act: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as raised:
        act()
    return raised.value


def attempt(url: str, *, patience: float = 5.0) -> Outcome:
    return post(parse_url(url), {"webhook-id": "msg_1"}, b"{}", patience=patience)


@pytest.mark.parametrize("address", FORBIDDEN)
def test_an_address_that_is_not_public_is_refused_in_words(address: str, resolves: Resolve) -> None:
    assert not is_public(ipaddress.ip_address(address))
    resolves([address])
    refused = refusal(lambda: addresses_of(parse_url("https://hooks.example/x")))
    assert refused.code == "address_refused"
    assert "not an address on the public internet" in refused.sentence


@pytest.mark.parametrize("address", ALLOWED)
def test_a_public_address_is_taken(address: str, resolves: Resolve) -> None:
    resolves([address])
    assert addresses_of(parse_url("https://hooks.example/x"))


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://localhost/"),
        *("https://2130706433/", "https://0x7f.1/", "https://127.1/"),
    ],
)
def test_this_machine_is_refused_however_it_is_written(url: str) -> None:
    assert refusal(lambda: addresses_of(parse_url(url))).code == "address_refused"


def test_one_forbidden_address_among_good_ones_refuses_the_host(resolves: Resolve) -> None:
    resolves([PUBLIC, "10.0.0.1"])
    assert refusal(lambda: addresses_of(parse_url("https://hooks.example/"))).code == "address_refused"


def test_a_host_that_nobody_knows_is_refused(resolves: Resolve) -> None:
    resolves([])
    assert refusal(lambda: addresses_of(parse_url("https://hooks.example/"))).code == "host_unknown"


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.org/x", "ftp://example.org/", "javascript:alert(1)", "https://", "file:///etc/passwd"),
        *("http://example.org/", "https://user:word@example.org/", "https://example.org/#part"),
        *("https://example.org:0/", "https://example.org:65536/", f"https://example.org/{'x' * 500}"),
        *("https://exa\nmple.org/", "https://0177.0.0.1/"),
    ],
)
def test_a_url_that_no_webhook_may_have_is_refused(url: str) -> None:
    assert refusal(lambda: parse_url(url)).code == "bad_url"


def test_a_host_in_other_letters_is_taken_as_certificates_have_it() -> None:
    assert parse_url("https://münchen.example/ä").host == "xn--mnchen-3ya.example"


def test_loopback_is_open_by_a_setting_alone_and_nothing_else_with_it(
    settings: Any, resolves: Resolve
) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    assert addresses_of(parse_url("http://127.0.0.1:8000/")) == ["127.0.0.1"]
    resolves(["10.0.0.1"])
    assert refusal(lambda: addresses_of(parse_url("https://hooks.example/"))).code == "address_refused"
    resolves([PUBLIC])
    assert refusal(lambda: addresses_of(parse_url("http://hooks.example/"))).code == "bad_url"


def test_a_name_that_turns_inward_after_it_was_saved_reaches_nobody(
    resolves: Resolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolves([PUBLIC], ["127.0.0.1"])
    with listening(tls=certified("hooks.example", tmp_path, monkeypatch), host="hooks.example") as receiver:
        target = parse_url(receiver.url)
        assert addresses_of(target) == [PUBLIC]
        outcome = post(target, {}, b"{}", patience=5)
        assert "not an address on the public internet" in outcome.error
        assert receiver.received == []


def test_what_was_checked_is_reached_even_when_the_next_answer_would_be_another(
    resolves: Resolve, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    resolves(["127.0.0.1"], ["10.0.0.1"])
    with listening(tls=certified("hooks.example", tmp_path, monkeypatch), host="hooks.example") as receiver:
        outcome = attempt(receiver.url)
        assert outcome.is_success, outcome
        port = parse_url(receiver.url).port
        assert receiver.received[0].headers["host"] == f"hooks.example:{port}"


def test_a_certificate_of_another_name_is_not_accepted(
    resolves: Resolve, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    resolves(["127.0.0.1"])
    with listening(tls=certified("other.example", tmp_path, monkeypatch), host="hooks.example") as receiver:
        outcome = attempt(receiver.url)
    assert outcome.error.startswith("The certificate was not accepted: ")
    assert receiver.received == []


def test_the_first_address_that_answers_is_taken(resolves: Resolve, settings: Any) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    resolves(["::1", "127.0.0.1"])
    with listening(host="hooks.example") as receiver:
        assert attempt(receiver.url).is_success


@pytest.fixture
def outcome_of(settings: Any) -> Callable[..., tuple[Outcome, Receiver]]:
    """What comes of one attempt when the receiver answers so."""
    settings.WEBHOOKS_TO_LOOPBACK = True

    def answered(answer: Any, *, patience: float = 5.0) -> tuple[Outcome, Receiver]:
        with listening(answer) as receiver:
            return attempt(receiver.url, patience=patience), receiver

    return answered


@pytest.mark.parametrize("code", [200, 201, 204, 299])
def test_every_answer_from_200_to_299_is_success(outcome_of: Any, code: int) -> None:
    outcome, _ = outcome_of(status(code))
    assert (outcome.is_success, outcome.error) == (True, "")


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(outcome_of: Any, code: int) -> None:
    with listening() as elsewhere:
        outcome, receiver = outcome_of(status(code, Location=elsewhere.url))
    assert not outcome.is_success
    assert "redirects are not followed" in outcome.error
    assert (len(receiver.received), elsewhere.received) == (1, [])


@pytest.mark.parametrize("code", [400, 401, 404, 429, 500, 503])
def test_every_other_answer_is_a_failure_that_is_kept(outcome_of: Any, code: int) -> None:
    outcome, _ = outcome_of(status(code, b"no thanks"))
    assert (outcome.is_success, outcome.status, outcome.response) == (False, code, "no thanks")


def test_of_megabytes_little_is_read(outcome_of: Any) -> None:
    outcome, _ = outcome_of(megabytes)
    assert outcome.is_success
    assert outcome.response == "x" * 500


def test_bytes_that_are_no_text_are_kept_as_far_as_they_go(outcome_of: Any) -> None:
    outcome, _ = outcome_of(status(500, b"\x00\xff ok"))
    assert outcome.response == "\ufffd\ufffd ok"


@pytest.mark.parametrize("answer", [hang, drip])
def test_who_hangs_or_drips_is_left_at_the_deadline(outcome_of: Any, answer: Any) -> None:
    outcome, _ = outcome_of(answer, patience=0.5)
    assert outcome.error == "No answer within 0.5 seconds."
    assert 400 <= outcome.duration_ms < 1500


def test_an_answer_that_is_no_http_is_a_failure(outcome_of: Any) -> None:
    outcome, _ = outcome_of(nonsense)
    assert outcome.error == "The connection broke, or the answer was no HTTP."


def test_nobody_there_is_a_failure(settings: Any) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        outcome = attempt(f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert outcome.error == "The receiver did not take the connection."


def certified(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate for a name, by an authority that this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return context
