"""Nonces: they end by themselves, belong to one site, and cover one batch."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attestations.models import UsedNonce
from attestations.nonces import issue_nonce, open_nonce
from chipledger.refusals import Refused
from tests.integration.attestations.gateway import Gateway, StandingClock, register

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def refusal(token: str, *, site: str = "dc-1", organisation: str = "operator-a", at: datetime = NOON) -> str:
    with pytest.raises(Refused) as caught:
        open_nonce(token, site, organisation, at)
    return caught.value.code


def test_a_nonce_opens_for_fifteen_minutes() -> None:
    token = issue_nonce("dc-1", "operator-a", NOON)
    assert open_nonce(token, "dc-1", "operator-a", NOON + timedelta(minutes=15)) == NOON
    assert refusal(token, at=NOON + timedelta(minutes=15, milliseconds=1)) == "nonce_expired"
    assert refusal(token, at=NOON - timedelta(minutes=2)) == "nonce_unknown"


def test_a_nonce_belongs_to_its_site_and_organisation() -> None:
    token = issue_nonce("dc-1", "operator-a", NOON)
    assert refusal(token, site="dc-2") == "nonce_unknown"
    assert refusal(token, organisation="operator-b") == "nonce_unknown"
    assert (
        refusal(issue_nonce("dc-1o", "perator-a", NOON), site="dc-1", organisation="operator-a")
        == "nonce_unknown"
    )


def test_a_nonce_fits_where_rfc_9711_wants_it() -> None:
    token = issue_nonce("dc-1", "operator-a", NOON)
    assert 8 <= len(token) <= 88
    assert issue_nonce("dc-1", "operator-a", NOON) != token


@given(st.integers(min_value=0, max_value=74), st.sampled_from("ABCXYZabcxyz0189-_"))
def test_no_other_spelling_of_a_nonce_opens(place: int, letter: str) -> None:
    token = issue_nonce("dc-1", "operator-a", NOON)
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        assert refusal(changed) == "nonce_unknown"


@given(st.binary(max_size=80))
def test_noise_is_no_nonce(noise: bytes) -> None:
    assert refusal(base64.urlsafe_b64encode(noise).decode().rstrip("=")) == "nonce_unknown"


def test_another_secret_makes_other_nonces(settings: object) -> None:
    token = issue_nonce("dc-1", "operator-a", NOON)
    settings.SECRET_KEY = "another secret of another server"
    assert refusal(token) == "nonce_unknown"


@pytest.mark.django_db
def test_a_nonce_covers_one_batch(gateway: Gateway) -> None:
    chips = register(gateway.world, ["a", "b"])
    nonce = gateway.nonce()
    gateway.file([gateway.ask(chips[0], nonce)], nonce=nonce)
    with pytest.raises(Refused) as caught:
        gateway.file([gateway.ask(chips[1], nonce)], nonce=nonce)
    assert (caught.value.code, caught.value.status) == ("nonce_used", 409)
    assert UsedNonce.objects.count() == 1


@pytest.mark.django_db
def test_a_batch_that_comes_too_late_is_refused(gateway: Gateway, standing: StandingClock) -> None:
    (chip,) = register(gateway.world, ["a"])
    nonce = gateway.nonce()
    item = gateway.ask(chip, nonce)
    standing.forward(minutes=16)
    with pytest.raises(Refused) as caught:
        gateway.file([item], nonce=nonce)
    assert caught.value.code == "nonce_expired"


@pytest.mark.django_db
def test_a_nonce_of_another_site_is_refused(gateway: Gateway, second_gateway: Gateway) -> None:
    (chip,) = register(gateway.world, ["a"])
    nonce = second_gateway.nonce()
    with pytest.raises(Refused) as caught:
        gateway.file([gateway.ask(chip, nonce)], nonce=nonce)
    assert caught.value.code == "nonce_unknown"
