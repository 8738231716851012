"""A maker at the form that registers a batch: gives a file or serials, looks at the check, signs its paper."""

from __future__ import annotations

import csv
import io
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from chipledger.dsse import sign_payload
from jobs.actions import run_job
from jobs.models import Job, JobState
from portal.models import Draft
from tests.world import World

MODEL = "maker-a-h100"


def check(
    browser: Client, world: World, content: bytes | None = None, *, name: str = "batch.csv", **said: Any
) -> Job:
    """Give a file, or serials, and follow to the page of the check."""
    fields = {"site": "fab-1", "key": world.maker.key.public.key_id, **said}
    if content is not None:
        fields["file"] = SimpleUploadedFile(name, content, content_type="image/png")
    before = list(Job.objects.values_list("pk", flat=True))
    answer = browser.post(reverse("register-batch"), fields)
    assert answer.status_code == 302, answer.content.decode()
    job = Job.objects.exclude(pk__in=before).get()
    assert answer["Location"] == reverse("job", args=[job.pk])
    return job


def rows(*lines: str) -> bytes:
    return ("model,serial,device_key\n" + "".join(f"{line}\n" for line in lines)).encode()


def found_in(job: Job) -> dict[str, Any]:
    assert job.result is not None
    return dict(job.result)


def page_of(browser: Client, job: Job) -> str:
    return browser.get(reverse("job", args=[job.pk])).content.decode()


def rejected_file(browser: Client, job: Job) -> list[dict[str, str]]:
    answer = browser.get(reverse("job-rejected", args=[job.pk]))
    text = b"".join(answer.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text)))


def sign(browser: Client, world: World, draft: Draft) -> None:
    """Sign offline, file, and let the worker book it."""
    envelope = sign_payload(bytes(draft.payload), [world.maker.key]).to_json()
    answer = browser.post(
        reverse("draft", args=[draft.pk]), {"envelope_file": SimpleUploadedFile("e.json", envelope)}
    )
    assert answer.status_code == 302
    draft.refresh_from_db()
    assert draft.job is not None
    job = run_job(draft.job)
    assert job is not None
    assert job.state == JobState.SUCCEEDED, job.problem
