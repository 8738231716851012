"""The pages of what works on its own: tokens of programs, and jobs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from jobs.actions import enqueue
from ledger import door
from registry.actions.tokens import issue_token
from registry.models import ApiToken, Role
from tests.people import browse_as, person_of
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(world: World) -> Client:
    return browse_as(person_of(world.operator, Role.ADMINISTRATOR))


def token_of(world: World, label: str, *, days: int = 30, age: int = 0) -> ApiToken:
    issue_token(
        world.operator.organisation,
        by=person_of(world.operator, email=f"{label}@operator-a.example"),
        label=label,
        scopes=["read"],
        at=door.now() - timedelta(days=age),
        lifetime=timedelta(days=days),
    )
    return ApiToken.objects.get(label=label)


def test_a_token_says_who_made_it_and_whether_it_still_works(world: World, administrator: Client) -> None:
    living, expired = token_of(world, "gateway"), token_of(world, "old", days=1, age=2)
    page = administrator.get(reverse("tokens")).content.decode()
    assert "Administrator of operator-a" in page
    assert reverse("revoke-token", args=[living.pk]) in page
    assert reverse("revoke-token", args=[expired.pk]) not in page, (
        "an expired token has nothing left to revoke"
    )

    assert administrator.post(reverse("revoke-token", args=[living.pk])).status_code == 302
    ended = administrator.get(reverse("tokens"), {"state": "ended"}).context["rows"]
    assert {(token.pk, state) for token, state in ended} == {(living.pk, "revoked"), (expired.pk, "expired")}
    assert administrator.get(reverse("tokens"), {"state": "living"}).context["rows"] == []


def test_tokens_export_without_any_secret(world: World, administrator: Client) -> None:
    token = token_of(world, "gateway")
    answer = administrator.get(reverse("tokens"), {"format": "csv"})
    text = b"".join(answer.streaming_content).decode()
    assert "gateway,read,Administrator of operator-a" in text
    assert token.sha256 not in text


def test_a_colleague_without_the_role_cannot_end_a_token_and_a_stranger_finds_none(world: World) -> None:
    token = token_of(world, "gateway")
    address = reverse("revoke-token", args=[token.pk])
    colleague = browse_as(person_of(world.operator, Role.SIGNATORY, email="colleague@operator-a.example"))
    refused = colleague.post(address)
    assert refused.status_code == 403
    assert "This needs the role administrator" in refused.content.decode()
    assert "gateway" not in colleague.get(reverse("tokens")).content.decode()
    stranger = browse_as(person_of(world.second_operator, Role.ADMINISTRATOR))
    assert stranger.post(address).status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None


def test_a_job_says_who_asked_for_it_and_is_found_by_its_state(world: World) -> None:
    asker = person_of(world.operator)
    client = browse_as(asker)
    theirs = enqueue("portal.check-rows", scope="operator-a", asked_by=asker.pseudonym, wake=False)
    enqueue("ledger.book", scope="operator-a", wake=False)
    enqueue("ledger.book", scope="operator-b", wake=False)

    page = client.get(reverse("jobs"))
    assert [asker for _, _, asker, _ in page.context["rows"]] == ["a program", str(asker)]
    assert f"by {asker}" in client.get(reverse("job", args=[theirs.pk])).content.decode()

    assert client.post(reverse("job-cancel", args=[theirs.pk])).status_code == 302
    assert "Asked to stop" in client.get(reverse("job", args=[theirs.pk])).content.decode()
    found = client.get(reverse("jobs"), {"state": "cancelled"}).context["rows"]
    assert [job.pk for job, *_ in found] == [theirs.pk]
    assert len(client.get(reverse("jobs"), {"kind": "ledger.book", "state": "open"}).context["rows"]) == 1
    exported = b"".join(client.get(reverse("jobs"), {"format": "csv"}).streaming_content).decode()
    assert f"portal.check-rows,{asker},cancelled" in exported


def test_a_job_of_somebody_erased_names_nobody(world: World) -> None:
    client = browse_as(person_of(world.operator))
    enqueue("ledger.book", scope="operator-a", asked_by="0123456789abcdef" * 2, wake=False)
    assert client.get(reverse("jobs")).context["rows"][0][2] == "person 01234567"
