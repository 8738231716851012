"""Where every page of the house is, taken from its routes, so that a test of all pages forgets none."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Final

from django.urls import reverse

from audits.models import Finding
from jobs.models import Job
from ledger.models import Key, Statement
from notices.models import Delivery, Notice, Webhook
from portal.models import Draft
from registry.access import reader_for, visible
from registry.models import Person, Role
from tests.people import Scene

ROOMS: Final = ("registry", "portal", "notices")
DONE_BY_A_BUTTON: Final = frozenset(
    {
        *(
            "draft-prepare",
            "draft-discard",
            "job-cancel",
            "check-anew",
            "revoke-token",
            "end-membership",
            "open-invitation",
            "erase-records",
            "erase-own-records",
            "hold-records",
            "lift-hold",
            "decide-application",
        ),
        *(
            "attachment",
            "draft-envelope",
            "job-rejected",
            "chip-bundle",
            "statement-bundle",
            "finding-evidence",
        ),  # downloads
        *("export-own-records", "export-records"),
        *("save-view", "rename-view", "delete-view"),
        *("read-all-notices", "notices-bell", "webhook-act", "send-again"),
        "invitation",  # for strangers, by a secret
    }
)


def addresses(scene: Scene, person: Person) -> list[str]:
    """Every page that this person may open, in the order of the routes."""
    organisation = person.memberships.get().organisation
    registered = Statement.objects.filter(kind="chips.commissioned").values_list("digest", flat=True)
    batches = [bytes(digest).hex() for digest in registered]
    reader = reader_for(organisation, role=Role(person.memberships.get().role), person=person)
    webhooks = Webhook.objects.filter(organisation=organisation)
    mine: dict[str, Iterable[object]] = {
        "draft": Draft.objects.filter(organisation=organisation).values_list("pk", flat=True),
        "job": Job.objects.filter(scope=organisation.signer.handle).values_list("pk", flat=True),
        "finding": Finding.objects.filter(organisation=organisation).values_list("uid", flat=True),
        "transfer": [scene.received, scene.overdue],
        "statement": [scene.received],
        "stock-take": [scene.counted] if organisation.signer.kind != "manufacturer" else [],
        "correct-statement": [scene.received] if organisation.signer.handle == "maker-a" else [],
        "batch": batches if organisation.signer.handle == "maker-a" else [],
        "batch-receipt": batches if organisation.signer.handle == "maker-a" else [],
        "chip-model": ["maker-a-h100"],
        "log-entry": [0],
        "site": ["dc-1"] if organisation.signer.kind != "manufacturer" else ["fab-1"],
        "amend-site": ["dc-1"] if organisation.signer.handle == "operator-a" else [],
        "custody": ["install"],
        "organisation": ["operator-a"],
        "receive": [scene.overdue] if organisation.signer.handle == "operator-a" else [],
        "person": person.memberships.values_list("pk", flat=True),
        "records": [person.pseudonym],
        "notice": visible(reader, Notice).order_by("-pk").values_list("pk", flat=True),
        "webhook": webhooks.values_list("pk", flat=True),
        "delivery": Delivery.objects.filter(webhook__in=webhooks).values_list("uid", flat=True),
        "rotate-key": Key.objects.filter(person=person.pseudonym).values_list("key_id", flat=True),
        "revoke-key": Key.objects.filter(signer=organisation.pk).values_list("key_id", flat=True),
    }
    if organisation.signer.kind == "regulator":
        mine["finding"] = Finding.objects.values_list("uid", flat=True)
    found = []
    for name, takes_arguments in routes():
        if name in DONE_BY_A_BUTTON:
            continue
        if name == "chip":
            found.append(reverse(name, args=["maker-a", "A0001-7"]))
        elif name == "cluster":
            seen = [] if organisation.signer.kind == "manufacturer" else ["dc-1"]
            found += [reverse(name, args=["test-line", key]) for key in seen]
        elif takes_arguments:
            found += [reverse(name, args=[value]) for value in list(mine[name])[:2]]
        else:
            found.append(reverse(name))
    if organisation.signer.handle == "operator-a":
        found.append(f"{reverse('count-site')}?site=dc-1")
    return found


def routes() -> list[tuple[str, bool]]:
    """The names of all pages, each with whether its address takes arguments."""
    return [
        (str(route.name), bool(route.pattern.regex.groups))
        for room in ROOMS
        for route in import_module(f"{room}.urls").pages
    ]
