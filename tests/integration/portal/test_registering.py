"""Registering a batch: every fault by row before anybody signs, what is skipped, and what is given back on the form."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from chipledger import base64s, clock
from chipledger.keys import Algorithm, PrivateKey
from chipledger.manifests import Shape
from chipledger.statements.registry import ChipsCommissioned
from jobs.actions import run_job
from jobs.models import Job, JobInput, JobState
from ledger.models import Blob, Statement
from portal.actions import checks
from portal.models import Draft
from registry.models import Chip, Membership, Role
from tests.integration.portal.registering import MODEL, check, found_in, page_of, rejected_file, rows, sign
from tests.integration.registry.test_chips import add_rival
from tests.people import browse_as, person_of
from tests.world import JobRefused, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(world: World) -> Client:
    return browse_as(person_of(world.maker))


def test_a_good_file_ends_in_a_preview_that_leads_to_its_paper(browser: Client, world: World) -> None:
    job = check(browser, world, rows(f"{MODEL},P1,", f"{MODEL},P2,"))
    assert job.state == JobState.SUCCEEDED
    draft = Draft.objects.get()
    assert draft.pk == job.pk
    page = page_of(browser, job)
    assert reverse("draft", args=[draft.pk]) in page
    assert found_in(job)["uploaded"]["sha256"] in page
    assert "P2" in page
    assert not JobInput.objects.exists()
    assert not Chip.objects.exists()


def test_a_file_is_told_by_its_content_and_never_by_its_name_or_type(browser: Client, world: World) -> None:
    lines = "".join(f'{{"model":"{MODEL}","serial":"J{number}"}}\n' for number in range(3))
    check(browser, world, lines.encode(), name="chips.csv")
    manifest = Draft.objects.get().fields["manifest"]
    assert manifest["rows"] == 3
    assert Blob.objects.filter(signer=world.maker.signer, sha256=manifest["sha256"]).exists()


def test_every_fault_of_every_kind_is_found_at_once_at_its_row_in_the_file_as_it_was_given(
    browser: Client, world: World
) -> None:
    world.commission(["OLD", "SAME"])
    taken, same = (base64s.encode(world.device_keys[f"maker-a/{it}"].public.spki) for it in ("OLD", "SAME"))
    world.commission(["PLAIN"], keyed=False)
    add_rival(world)
    fresh = base64s.encode(PrivateKey.generate(Algorithm.P256).public.spki)
    content = rows(
        f"{MODEL},GOOD-1,{fresh}",
        "",
        "H100!,GOOD-2,",
        f"{MODEL},bad serial,",
        f"{MODEL},SHORT",
        "no-such-model,GOOD-3,",
        "maker-b-gpu,GOOD-4,",
        f"{MODEL},GOOD-1,",
        f"{MODEL},GOOD-5,{fresh}",
        f"{MODEL},GOOD-6,{fresh[:60]}AAAA{fresh[64:]}",
        f"{MODEL},GOOD-7,nonsense",
        f"{MODEL},OLD,",
        f"{MODEL},SAME,{same}",
        f"{MODEL},PLAIN,",
        f"{MODEL},GOOD-8,{taken}",
    )
    job = check(browser, world, content)
    assert job.state == JobState.FAILED
    found = sorted((int(row["row"]), row["field"], row["code"]) for row in rejected_file(browser, job))
    assert found == [
        (3, "model", "bad_model"),
        (4, "serial", "bad_serial"),
        (5, "row", "row_malformed"),
        (6, "model", "unknown_model"),
        (7, "model", "model_of_another_maker"),
        (8, "serial", "duplicate_serial"),
        (9, "device_key", "duplicate_device_key"),
        (10, "device_key", "bad_device_key"),
        (11, "device_key", "bad_device_key"),
        (12, "serial", "serial_registered"),
        (13, "serial", "registered_identically"),
        (14, "serial", "registered_identically"),
        (15, "device_key", "device_key_registered"),
    ]
    assert "with another device key" in page_of(browser, job)
    shown = found_in(job)["rejected"]["shown"]
    assert [problem["row"] for problem in shown] == [row for row, *_ in found]
    assert not Draft.objects.exists()
    assert not JobInput.objects.exists()


def test_the_door_refuses_the_same_rows_by_the_same_codes(browser: Client, world: World) -> None:
    world.commission(["ONE", "TWO"])
    key = base64s.encode(world.device_keys["maker-a/ONE"].public.spki)
    given = [(MODEL, "ONE", key), (MODEL, "THREE", ""), (MODEL, "TWO", "")]
    dry = check(browser, world, rows(*map(",".join, given)))
    manifest = world.upload(world.maker, Shape.COMMISSION, given)
    with pytest.raises(JobRefused) as caught:
        world.submit(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)
    assert found_in(dry)["rejected"] == found_in(caught.value.job)["rejected"]
    assert set(found_in(dry)["rejected"]["counts"]) == {"registered_identically", "serial_registered"}


def test_faults_beyond_the_first_thousand_are_counted_and_kept_in_the_file(
    browser: Client, world: World
) -> None:
    job = check(browser, world, rows(*(f"no-such-model,S{number}," for number in range(1_200))))
    page = page_of(browser, job)
    assert page.count("no-such-model</td>") == 1_000
    assert "1,200" in page
    assert len(rejected_file(browser, job)) == 1_200


def test_rows_registered_identically_are_skipped_when_asked_counted_and_listed(
    browser: Client, world: World
) -> None:
    world.commission(["OLD-1", "OLD-2"], keyed=False)
    content = rows(f"{MODEL},OLD-1,", f"{MODEL},NEW-1,", f"{MODEL},OLD-2,", f"{MODEL},NEW-2,")
    job = check(browser, world, content, leaves_out="on")
    assert job.state == JobState.SUCCEEDED
    assert (found_in(job)["rows"], found_in(job)["left_out"]) == (2, 2)
    assert [(row["row"], row["value"], row["code"]) for row in rejected_file(browser, job)] == [
        ("1", "OLD-1", "registered_identically"),
        ("3", "OLD-2", "registered_identically"),
    ]
    assert "Rows skipped" in page_of(browser, job)
    draft = Draft.objects.get()
    assert draft.notes["Left out"] == "2 rows registered already, identically"
    sign(browser, world, draft)
    assert sorted(Chip.objects.values_list("serial", flat=True)) == ["NEW-1", "NEW-2", "OLD-1", "OLD-2"]


def test_a_row_that_differs_from_the_register_stays_a_fault_although_others_are_skipped(
    browser: Client, world: World
) -> None:
    world.commission(["OLD-1"])
    world.commission(["OLD-2"], keyed=False)
    job = check(browser, world, rows(f"{MODEL},OLD-1,", f"{MODEL},OLD-2,"), leaves_out="on")
    assert job.state == JobState.FAILED
    assert found_in(job)["rejected"]["counts"] == {"serial_registered": 1}


def test_a_file_of_which_all_is_registered_leaves_nothing_to_sign_and_says_so(
    browser: Client, world: World
) -> None:
    world.commission(["OLD-1"], keyed=False)
    job = check(browser, world, rows(f"{MODEL},OLD-1,"), leaves_out="on")
    assert job.state == JobState.SUCCEEDED
    assert "There is nothing to sign." in page_of(browser, job)
    assert not Draft.objects.exists()


def test_a_check_that_failed_for_such_rows_alone_is_done_again_without_the_file(
    browser: Client, world: World
) -> None:
    world.commission(["OLD-1"], keyed=False)
    job = check(browser, world, rows(f"{MODEL},OLD-1,", f"{MODEL},NEW-1,"))
    assert job.state == JobState.FAILED
    assert "Skip these rows and check again" in page_of(browser, job)
    answer = browser.post(reverse("check-anew", args=[job.pk]))
    again = Job.objects.exclude(pk=job.pk).get(kind="portal.check-batch")
    assert answer["Location"] == reverse("job", args=[again.pk])
    assert again.state == JobState.SUCCEEDED
    assert Draft.objects.get().fields["manifest"]["rows"] == 1
    assert browser.post(reverse("check-anew", args=[job.pk])).status_code == 409
    assert "Skip these rows" not in page_of(browser, job)


def test_a_large_file_waits_for_a_worker_is_seen_going_on_and_can_be_cancelled(
    browser: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "AT_ONCE_BYTES", 10)
    first, second = (check(browser, world, rows(f"{MODEL},L{number},")) for number in range(2))
    assert {first.state, second.state} == {JobState.QUEUED}
    assert JobInput.objects.filter(job=first).exists()
    assert 'hx-trigger="every 1s"' in page_of(browser, first)
    browser.post(reverse("job-cancel", args=[second.pk]))
    second.refresh_from_db()
    assert second.state == JobState.CANCELLED
    assert not JobInput.objects.filter(job=second).exists()
    run_job(first.pk)
    assert Draft.objects.get().pk == first.pk
    assert "Go on to sign" in page_of(browser, first)


def test_a_check_whose_worker_died_after_preparing_the_paper_prepares_one_paper(
    browser: Client, world: World
) -> None:
    content = rows(f"{MODEL},W1,")
    job = check(browser, world, content)
    Draft.objects.filter(pk=job.pk).update(created_at=job.created_at)
    JobInput.objects.create(job=job, part=0, content=content)
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED, finished_at=None)
    run_job(job.pk)
    assert Draft.objects.get().created_at > job.created_at


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "Choose a file of chips, or write their serials."),
        ({"serials": "A1..A3"}, "Choose the model of these serials."),
        ({"serials": "A1", "model": "maker-b-gpu"}, "Select a valid choice"),
        ({"serials": "A1", "model": MODEL, "site": "dc-1"}, "Select a valid choice"),
        ({"serials": "A1", "model": MODEL, "file": b"model,serial\n"}, "not both at once"),
        ({"file": "model,serial\n".encode("utf-16")}, "The file is not UTF-8; save it in that encoding."),
        ({"file": b"model,serial\n"}, "There is no row in this file; give at least one."),
        (
            {"file": b"model,price\n"},
            "The header names a column that is not known; rename it, or leave it out.",
        ),
    ],
    ids=[
        "nothing",
        "no-model",
        "foreign-model",
        "foreign-site",
        "two-lists",
        "encoding",
        "no-rows",
        "header",
    ],
)
def test_what_cannot_be_checked_is_refused_on_the_form_with_a_sentence(
    browser: Client, world: World, said: dict[str, Any], sentence: str
) -> None:
    add_rival(world)
    fields = {"site": "fab-1", "key": world.maker.key.public.key_id, **said}
    if "file" in fields:
        fields["file"] = SimpleUploadedFile("b.csv", fields["file"])
    answer = browser.post(reverse("register-batch"), fields)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Draft.objects.exists()


def test_who_may_not_prepare_papers_checks_nothing_and_reads_why(world: World, browser: Client) -> None:
    world.commission(["OLD-1"], keyed=False)
    failed = check(browser, world, rows(f"{MODEL},OLD-1,"))
    viewer = browse_as(person_of(world.maker, Role.VIEWER))
    page = viewer.get(reverse("register-batch")).content.decode()
    assert "This needs the role preparer; yours is viewer. Ask an administrator." in page
    assert viewer.post(reverse("register-batch"), {}).status_code == 403
    assert viewer.post(reverse("check-anew", args=[failed.pk])).status_code == 403
    stranger = browse_as(person_of(world.operator))
    assert stranger.post(reverse("check-anew", args=[failed.pk])).status_code == 404
    assert browser.post(reverse("check-anew", args=[uuid4()])).status_code == 404


def test_the_mended_file_finds_the_form_as_it_was(world: World, browser: Client) -> None:
    world.declare_site(world.maker, "fab-2")
    job = check(browser, world, rows("no-such-model,S1,"), site="fab-2", leaves_out="on")
    page = browser.get(reverse("register-batch"), {"after": str(job.pk)}).content.decode()
    assert '<option value="fab-2" selected>' in page
    assert "checked" in page
    stranger = browse_as(person_of(world.operator))
    assert "fab-2" not in stranger.get(reverse("register-batch"), {"after": str(job.pk)}).content.decode()
    assert browser.get(reverse("register-batch"), {"after": "nonsense"}).status_code == 200


def test_a_file_checked_twice_leaves_both_papers_good(world: World, browser: Client) -> None:
    content = rows(f"{MODEL},X1,")
    drafts = [Draft.objects.get(pk=check(browser, world, content).pk) for _ in range(2)]
    assert drafts[0].fields["manifest"] == drafts[1].fields["manifest"]
    sign(browser, world, drafts[0])
    assert Statement.objects.filter(digest=bytes(drafts[0].digest)).exists()


def test_a_person_who_left_meanwhile_has_nothing_checked(
    browser: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "AT_ONCE_BYTES", 10)
    job = check(browser, world, rows(f"{MODEL},G1,"))
    Membership.objects.filter(organisation=world.maker.organisation).update(until=clock.now())
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.problem or {})["code"] == "not_a_member"
    assert not Draft.objects.exists()
