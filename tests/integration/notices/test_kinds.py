"""Each kind of notice, told to those whom it concerns."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audits.actions.sweeps import sweep
from audits.models import Finding
from chipledger.keys import Algorithm, PrivateKey
from chipledger.statements.audits import FindingDecided, FindingExplained
from chipledger.statements.tracking import TransferReceived
from jobs.actions import enqueue
from jobs.models import Job, JobState
from ledger import door
from ledger.integrator import integrate
from ledger.models import Key, KeyRole
from notices.actions.watch import look
from notices.models import Kind, Notice
from notices.queries import NAMES, address_of, sentence_of
from portal.actions.drafts import prepare_draft
from registry.access import reader_for
from registry.models import Role
from tests.integration.notices.scenes import announce, send, told
from tests.people import person_of
from tests.world import World

pytestmark = pytest.mark.django_db


def sentences(kind: Kind, world: World) -> list[str]:
    found = Notice.objects.filter(kind=kind, organisation=world.operator.organisation)
    return [sentence_of(each) for each in found.select_related(*NAMES)]


def opened(world: World) -> Finding:
    """A finding against operator-a, of which everybody has been told."""
    send(world)
    sweep(at=door.now())
    look(at=door.now())
    return Finding.objects.get(rule="overdue_receipt", organisation=world.operator.organisation)


def test_an_answer_is_told_to_the_other_side_alone(watched: World) -> None:
    digest = announce(watched)
    watched.submit(
        TransferReceived,
        by=watched.operator,
        dispatch=digest,
        received_at=door.now(),
        accepted=["maker-a/N1"],
        short=["maker-a/N2"],
    )
    integrate()
    look(at=door.now())
    assert Kind.TRANSFER_ANSWERED in told(watched.maker)
    assert Kind.TRANSFER_ANSWERED not in told(watched.operator)
    assert told(watched.second_operator) == []


def test_an_overdue_transfer_is_told_to_both_sides_once(watched: World) -> None:
    send(watched, estimated_arrival=door.now() + timedelta(days=1))
    look(at=door.now())
    later = door.now() + timedelta(days=30)
    look(at=later - timedelta(days=20))
    look(at=later)
    for party in (watched.maker, watched.operator):
        assert told(party).count(Kind.TRANSFER_OVERDUE) == 1, party.handle
    assert sentences(Kind.TRANSFER_OVERDUE, watched) == [
        "Overdue with 2 chips outstanding: Maker-A to Operator-A."
    ]
    assert told(watched.second_operator) == []


def test_an_explanation_is_told_to_the_authority_and_a_decision_to_who_explained(watched: World) -> None:
    finding = opened(watched)
    watched.submit(FindingExplained, by=watched.operator, finding=finding.uid.hex, root_cause="late_filing")
    integrate()
    look(at=door.now())
    assert Kind.FINDING_EXPLAINED in told(watched.regulator)
    assert Kind.FINDING_EXPLAINED not in told(watched.operator)
    watched.submit(
        FindingDecided,
        by=watched.regulator,
        finding=finding.uid.hex,
        decision="false_alarm",
        reason="checked-on-site",
    )
    integrate()
    look(at=door.now())
    assert told(watched.operator).count(Kind.FINDING_DECIDED) == 1
    assert told(watched.second_operator) == []


def test_an_explanation_that_is_overdue_is_told_to_who_owes_it(watched: World) -> None:
    finding = opened(watched)
    look(at=finding.due_at + timedelta(hours=1))
    assert told(watched.operator).count(Kind.FINDING_DUE) == 1
    assert Kind.FINDING_DUE not in told(watched.regulator)


def test_a_paper_that_waits_is_told_to_colleagues_and_not_to_who_laid_it_out(watched: World) -> None:
    organisation = watched.operator.organisation
    preparer = reader_for(organisation, role=Role.ADMINISTRATOR, person=person_of(watched.operator))
    draft = prepare_draft(
        "signing_policy.adopted",
        {"refuses_synced": False, "second_above_chips": 100},
        keys=[Key.objects.get(signer=organisation.pk, role=KeyRole.ADMINISTRATOR)],
        by=preparer,
        at=door.now(),
    )
    look(at=door.now())
    assert sentences(Kind.PAPER_WAITING, watched) == [f"A paper waits for a signature: {draft.kind}."]
    assert Kind.PAPER_WAITING not in told(watched.maker)


def test_a_job_that_ended_is_told_to_who_asked_for_it(watched: World) -> None:
    job = enqueue("portal.check-batch", scope="operator-a", wake=False)
    Job.objects.filter(pk=job.pk).update(state=JobState.CANCELLED, finished_at=door.now())
    enqueue("portal.check-batch", scope="operator-a", wake=False)  # which has not ended
    look(at=door.now())
    assert sentences(Kind.JOB_ENDED, watched) == ["A job has ended: cancelled."]
    assert Kind.JOB_ENDED not in told(watched.maker)


def test_a_new_key_is_told_to_its_own_organisation(watched: World) -> None:
    watched.second_operator.machine_key = PrivateKey.generate(Algorithm.P256)
    watched.add_machine(watched.second_operator)
    integrate()
    look(at=door.now())
    assert Kind.KEYS_CHANGED in told(watched.second_operator)
    assert Kind.KEYS_CHANGED not in told(watched.operator)
    notice = Notice.objects.get(organisation=watched.second_operator.organisation, kind=Kind.KEYS_CHANGED)
    assert sentence_of(notice) == "Keys or signing policy changed: key.added."
    assert address_of(notice) == "/keys/"
