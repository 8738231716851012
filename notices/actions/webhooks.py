"""What administrators do with webhooks; each deed is kept, and told to their organisation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.http import Http404

from chipledger.refusals import Refused
from notices.actions.delivering import SWITCHED_OFF, drop, note_webhook_deed, switch_off
from notices.actions.telling import tell
from notices.events import TEST_KIND, body_of_test
from notices.models import Delivery, DeliveryState, Kind, Mailing, Webhook, WebhookDeed
from notices.reach import addresses_of, parse_url
from notices.rules import (
    KEPT,
    MOST_WEBHOOKS,
    SECRET_OVERLAP,
    check_is_on,
    check_may_be_sent_again,
    check_may_be_tested,
    unknown_kind,
)
from notices.secrets import new_secret, seal
from registry.access import Reader, check_role
from registry.models import Organisation, Role

LONGEST_LABEL: Final = 80


def add_webhook(
    *, label: str, url: str, kinds: Sequence[str], by: Reader, at: datetime
) -> tuple[Webhook, str]:
    """Let an organisation's receiver be told, and return its signing secret, this once.

    The URL's host is looked up here, before anything is locked.
    """
    check_role(by, Role.ADMINISTRATOR)
    label, url, kinds = _checked(label, url, kinds)
    secret = new_secret()
    with transaction.atomic():
        Organisation.objects.select_for_update(no_key=True).get(pk=by.organisation.pk)
        living = Webhook.objects.filter(organisation=by.organisation, deleted_at__isnull=True)
        if len(living.values_list("pk", flat=True)[:MOST_WEBHOOKS]) == MOST_WEBHOOKS:
            raise Refused(
                "too_many_webhooks",
                f"An organisation has at most {MOST_WEBHOOKS} webhooks; delete one first.",
                status=409,
            )
        webhook = Webhook.objects.create(
            organisation=by.organisation,
            label=label,
            url=url,
            kinds=kinds,
            sealed_secret=seal(secret),
            created_at=at,
        )
        _told(webhook, WebhookDeed.ADDED, by=by, at=at)
    return webhook, secret


def change_webhook(
    webhook: Webhook, *, label: str, url: str, kinds: Sequence[str], by: Reader, at: datetime
) -> None:
    """Another name, URL or choice of kinds; what waits already goes to the new URL."""
    check_role(by, Role.ADMINISTRATOR)
    label, url, kinds = _checked(label, url, kinds)
    with transaction.atomic():
        present = _locked(webhook)
        if (present.label, present.url, present.kinds) != (label, url, kinds):
            Webhook.objects.filter(pk=present.pk).update(label=label, url=url, kinds=kinds)
            _told(present, WebhookDeed.CHANGED, by=by, at=at)


@transaction.atomic
def rotate_secret(webhook: Webhook, *, by: Reader, at: datetime) -> str:
    """A new signing secret, returned this once; for a day both sign, so that the receiver can change over.

    A secret of an earlier rotation ends now.
    """
    check_role(by, Role.ADMINISTRATOR)
    present = _locked(webhook)
    secret = new_secret()
    Webhook.objects.filter(pk=present.pk).update(
        sealed_secret=seal(secret),
        sealed_previous=present.sealed_secret,
        previous_until=at + SECRET_OVERLAP,
    )
    _told(present, WebhookDeed.ROTATED, by=by, at=at)
    return secret


@transaction.atomic
def disable_webhook(webhook: Webhook, *, by: Reader, at: datetime) -> None:
    """Send nothing there until it is switched on again; what waits is called off."""
    check_role(by, Role.ADMINISTRATOR)
    present = _locked(webhook)
    if present.disabled_at is None:
        switch_off(present, at=at)
        _told(present, WebhookDeed.DISABLED, by=by, at=at)


@transaction.atomic
def enable_webhook(webhook: Webhook, *, by: Reader, at: datetime) -> None:
    """Send what happens from now on; what was missed meanwhile is on the list of notices."""
    check_role(by, Role.ADMINISTRATOR)
    present = _locked(webhook)
    if present.disabled_at is not None:
        # What was laid out while it was being switched off was never called off.
        drop(present.deliveries.filter(state=DeliveryState.WAITING), SWITCHED_OFF, at=at)
        Webhook.objects.filter(pk=present.pk).update(disabled_at=None)
        _told(present, WebhookDeed.ENABLED, by=by, at=at)


@transaction.atomic
def delete_webhook(webhook: Webhook, *, by: Reader, at: datetime) -> None:
    """End it for good: its secrets go now, its deliveries when their days are over."""
    check_role(by, Role.ADMINISTRATOR)
    present = _locked(webhook)
    switch_off(present, at=at)
    Webhook.objects.filter(pk=present.pk).update(
        deleted_at=at, sealed_secret="", sealed_previous="", previous_until=None
    )
    _told(present, WebhookDeed.DELETED, by=by, at=at)


@transaction.atomic
def send_test(webhook: Webhook, *, by: Reader, at: datetime) -> Delivery:
    """Lay out an event that tells of nothing, to see whether it arrives."""
    check_role(by, Role.ADMINISTRATOR)
    present = _locked(webhook)
    check_is_on(present)
    check_may_be_tested(present)
    return Delivery.objects.create(
        webhook=present,
        kind=TEST_KIND,
        made_at=at,
        next_attempt_at=at,
        body=body_of_test(by.handle, at=at),
    )


@transaction.atomic
def send_again(delivery: Delivery, *, by: Reader, at: datetime) -> None:
    """Begin a delivery anew, with the whole schedule before it; the receiver knows it by the same `webhook-id`."""
    check_role(by, Role.ADMINISTRATOR)
    _locked(delivery.webhook)
    present = Delivery.objects.select_for_update(of=["self"]).select_related("webhook").get(pk=delivery.pk)
    check_may_be_sent_again(present)
    Delivery.objects.filter(pk=present.pk).update(
        state=DeliveryState.WAITING, attempts=0, next_attempt_at=at, settled_at=None
    )


def forget_settled(*, at: datetime) -> int:
    """Delete mailings and deliveries that have been settled for their days, and say how many."""
    over = at - KEPT
    drop(
        Delivery.objects.filter(state=DeliveryState.WAITING, webhook__deleted_at__isnull=False),
        SWITCHED_OFF,
        at=at,
    )
    mailings, _ = Mailing.objects.filter(settled_at__lt=over).delete()
    deliveries, _ = Delivery.objects.filter(settled_at__lt=over).delete()
    return mailings + deliveries


def _checked(label: str, url: str, kinds: Sequence[str]) -> tuple[str, str, list[str]]:
    if not 1 <= len(label.strip()) <= LONGEST_LABEL:
        raise Refused("bad_label", f"Give a name of 1 to {LONGEST_LABEL} characters.", field="label")
    unknown = set(kinds) - set(Kind.values)
    if unknown:
        raise unknown_kind(min(unknown), field="kinds")
    if not kinds:
        raise Refused(
            "no_kinds", "Choose at least one kind; a webhook without any is never told.", field="kinds"
        )
    target = parse_url(url)
    addresses_of(target)
    return label.strip(), target.url, [kind for kind in Kind.values if kind in kinds]


def _locked(webhook: Webhook) -> Webhook:
    """The webhook as it is now, for who is about to change it; 404 when it was deleted meanwhile."""
    present = (
        Webhook.objects.select_for_update(no_key=True).filter(pk=webhook.pk, deleted_at__isnull=True).first()
    )
    if present is None:
        raise Http404
    return present


def _told(webhook: Webhook, deed: WebhookDeed, *, by: Reader, at: datetime) -> None:
    tell([note_webhook_deed(webhook, deed, by=by.pseudonym, at=at)], at=at)
