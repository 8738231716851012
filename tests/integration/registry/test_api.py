"""The register over HTTP, as its readers see it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from chipledger import base64s, clock
from chipledger.statements.common import Owner
from chipledger.statements.registry import OrganisationAmended
from registry.actions.tokens import issue_token
from registry.models import ApiToken, Membership, Organisation, Person, Role
from tests.world import Party, World

pytestmark = pytest.mark.django_db
API = "/api/v1"


def token_of(party: Party, scopes: tuple[str, ...] = ("read",)) -> str:
    return issue_token(
        party.organisation, by=None, label="test", scopes=scopes, at=clock.now(), lifetime=timedelta(days=1)
    )


def get(path: str, secret: str) -> Any:
    return Client().get(f"{API}{path}", headers={"authorization": f"Bearer {secret}"})


def signed_in(organisation: Organisation, role: Role) -> Client:
    person = Person.objects.create_user(f"{role}@example.org", "a long enough password")
    Membership.objects.create(person=person, organisation=organisation, role=role, since=clock.now())
    client = Client()
    client.force_login(person)
    return client


def test_organisations_and_models_are_published_registers(world: World) -> None:
    secret = token_of(world.operator)
    handles = [each["handle"] for each in get("/organisations", secret).json()["items"]]
    assert handles == ["maker-a", "operator-a", "operator-b", "regulator-a"]
    (model,) = get("/models", secret).json()["items"]
    assert (model["code"], model["maker"], model["tpp"]) == ("maker-a-h100", "maker-a", 15_832)
    assert get("/models/maker-a-h100", secret).json() == model
    assert get("/models/nothing", secret).status_code == 404


def test_owners_are_published_with_their_shares_and_days(world: World) -> None:
    for share in (4000, 5001):
        owner = Owner(organisation="maker-a", share_bp=share, since=f"20{share // 200}-01-01")
        fields = {"handle": "operator-a", "name": "Operator A", "countries": ["US"], "owners": [owner]}
        world.submit(OrganisationAmended, by=world.regulator, **fields)
    items = get("/organisations", token_of(world.maker)).json()["items"]
    (owned,) = [each["owners"] for each in items if each["owners"]]
    assert owned == [
        {"organisation": "maker-a", "share_bp": 4000, "since": "2020-01-01", "until": "2025-01-01"},
        {"organisation": "maker-a", "share_bp": 5001, "since": "2025-01-01", "until": None},
    ]
    page = signed_in(world.maker.organisation, Role.VIEWER).get("/organisations/operator-a/").content.decode()
    assert "50.01 % since 2025-01-01" in page
    assert "40 % since 2020-01-01" in page


def test_a_stranger_without_token_reads_nothing(world: World) -> None:
    for path in ("/organisations", "/models", "/sites", "/tokens"):
        answer = Client().get(API + path)
        assert answer.status_code == 401
        assert answer["Content-Type"] == "application/problem+json"


def test_an_operator_sees_its_own_sites_and_a_regulator_those_of_its_countries(world: World) -> None:
    world.declare_site(world.operator, "dc-jp", country="JP")
    codes = {
        party.handle: [site["code"] for site in get("/sites", token_of(party)).json()["items"]]
        for party in (world.operator, world.second_operator, world.maker, world.regulator)
    }
    assert codes == {
        "operator-a": ["dc-1", "dc-2", "dc-jp"],
        "operator-b": ["dc-3"],
        "maker-a": ["fab-1"],
        "regulator-a": ["dc-1", "dc-2", "dc-3", "fab-1"],
    }


def test_a_strangers_site_is_answered_like_one_that_does_not_exist(world: World) -> None:
    secret = token_of(world.operator)
    theirs, missing = get("/sites/dc-3", secret), get("/sites/dc-99", secret)
    assert theirs.status_code == missing.status_code == 404
    assert theirs.json() == missing.json()
    assert get("/sites/dc-1", secret).json()["organisation"] == "operator-a"


def test_a_page_leads_to_the_next_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.paging.KeysetPagination.page_size", 3)
    secret = token_of(world.regulator)
    first = get("/organisations", secret).json()
    second = get(first["next"].removeprefix("http://testserver" + API), secret).json()
    assert [each["handle"] for each in first["items"] + second["items"]] == [
        "maker-a", "operator-a", "operator-b", "regulator-a",
    ]  # fmt: skip
    assert second["next"] is None


def test_lists_cost_the_same_number_of_queries_whatever_their_length(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    secret = token_of(world.regulator)
    get("/sites", secret)  # notes the token's use, which happens once in ten minutes
    with django_assert_num_queries(4):  # token, sites, links, the note of what a regulator read
        get("/sites", secret)
    with django_assert_num_queries(3):  # token, organisations, their owners
        get("/organisations", secret)
    with django_assert_num_queries(2):  # token, models
        get("/models", secret)


@pytest.mark.parametrize("change", [{"revoked_at": clock.now()}, {"expires_at": clock.now()}])
def test_a_token_that_ended_opens_nothing(world: World, change: dict[str, object]) -> None:
    secret = token_of(world.operator)
    ApiToken.objects.update(**change)
    assert get("/sites", secret).status_code == 401
    assert get("/sites", secret + "x").status_code == 401


def test_an_administrator_makes_lists_and_ends_tokens(world: World) -> None:
    client = signed_in(world.operator.organisation, Role.ADMINISTRATOR)
    asked = {"label": "gateway", "scopes": ["read", "attest"], "days": 30}
    made = client.post(f"{API}/tokens", asked, content_type="application/json")
    assert made.status_code == 201, made.content
    secret = made.json()["secret"]
    assert ApiToken.objects.get().sha256 == hashlib.sha256(secret.encode()).hexdigest()
    (listed,) = client.get(f"{API}/tokens").json()["items"]
    assert "secret" not in listed
    assert listed["label"] == "gateway"
    assert get("/sites", secret).status_code == 200
    assert client.delete(f"{API}/tokens/{listed['id']}").status_code == 204
    assert get("/sites", secret).status_code == 401


def test_nobody_below_an_administrator_touches_tokens(world: World) -> None:
    token_of(world.operator)
    number = ApiToken.objects.get().pk
    client = signed_in(world.operator.organisation, Role.SIGNATORY)
    asked = {"label": "gateway", "scopes": ["read"]}
    assert client.get(f"{API}/tokens").status_code == 403
    assert client.post(f"{API}/tokens", asked, content_type="application/json").status_code == 403
    assert client.delete(f"{API}/tokens/{number}").status_code == 403
    secret = token_of(world.operator, ("read", "write"))
    program = Client(headers={"authorization": f"Bearer {secret}"})
    assert program.post(f"{API}/tokens", asked, content_type="application/json").status_code == 403
    assert ApiToken.objects.filter(revoked_at__isnull=True).count() == 2


def test_a_strangers_token_does_not_exist(world: World) -> None:
    token_of(world.second_operator)
    client = signed_in(world.operator.organisation, Role.ADMINISTRATOR)
    assert client.delete(f"{API}/tokens/{ApiToken.objects.get().pk}").status_code == 404
    assert ApiToken.objects.get().revoked_at is None


@pytest.mark.parametrize(
    "wrong", [{"scopes": ["root"]}, {"scopes": []}, {"days": 0}, {"days": 367}, {"label": ""}], ids=str
)
def test_a_token_with_wrong_fields_is_not_made(world: World, wrong: dict[str, object]) -> None:
    client = signed_in(world.operator.organisation, Role.ADMINISTRATOR)
    asked = {"label": "gateway", "scopes": ["read"], "days": 30, **wrong}
    assert client.post(f"{API}/tokens", asked, content_type="application/json").status_code == 400
    assert not ApiToken.objects.exists()


def test_anybody_may_apply_and_a_handle_once(founded: World) -> None:
    asked = {
        "handle": "newcomer", "name": "Newcomer", "kind": "operator", "countries": ["US"], "email": "a@example.org",
        "spki": base64s.encode(Party("newcomer").key.public.spki),
    }  # fmt: skip
    first = Client().post(f"{API}/applications", asked, content_type="application/json")
    assert (first.status_code, first.json()["state"]) == (201, "applied")
    second = Client().post(f"{API}/applications", asked, content_type="application/json")
    assert (second.status_code, second.json()["code"]) == (409, "application_open")
    malformed = Client().post(f"{API}/applications", {"handle": "x"}, content_type="application/json")
    assert malformed.status_code == 400
