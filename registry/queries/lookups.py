"""Finding rows by their natural keys, and holding names that are about to be taken."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from django.db.models import QuerySet

from chipledger.refusals import Refused
from ledger.models import Key, Signer, SignerKind, Standing
from registry import rules
from registry.models import Application, ApplicationState, ChipModel, Organisation, Site

OPEN_APPLICATIONS = (ApplicationState.APPLIED, ApplicationState.VETTED)


def hold_names(scope: str, names: Iterable[str], *, shared: bool = False) -> None:
    """Of two statements that claim one name at once, let the second wait until the first is booked, then see it.

    ``shared``: those that only read what the name stands for do not wait for each other.
    """
    lock = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        for name in sorted(set(names)):
            cursor.execute(f"SELECT {lock}(hashtextextended(%s, 0))", [f"{scope}:{name}"])


def find_organisation(handle: str) -> Organisation | None:
    """The organisation of this handle, with its signer."""
    return Organisation.objects.select_related("signer").filter(signer__handle=handle).first()


def known_organisation(handle: str, *, field: str = "handle") -> Organisation:
    """The organisation of this handle, or Refused."""
    found = find_organisation(handle)
    if found is None:
        raise Refused(
            "unknown_organisation",
            "No organisation has this handle; see that it is right.",
            field=field,
            value=handle,
            status=404,
        )
    return found


def known_maker(handle: str) -> Organisation:
    """The manufacturer of this handle, or Refused."""
    return rules.check_is_maker(find_organisation(handle), handle=handle)


def own_site(signer: Signer, code: str, *, field: str = "site") -> Site:
    """The site that this organisation operates under this code, or Refused."""
    return rules.check_operates(Site.objects.filter(code=code).first(), signer, code=code, field=field)


def handles_among(handles: Iterable[str]) -> frozenset[str]:
    """Those of these handles that are organisations."""
    return frozenset(
        Organisation.objects.filter(signer__handle__in=list(handles)).values_list("signer__handle", flat=True)
    )


def sites_among(codes: Iterable[str]) -> frozenset[str]:
    """Those of these codes that are sites."""
    return frozenset(Site.objects.filter(code__in=list(codes)).values_list("code", flat=True))


def keys_among(key_ids: Iterable[str]) -> frozenset[str]:
    """Those of these keys that are registered."""
    return frozenset(Key.objects.filter(key_id__in=list(key_ids)).values_list("key_id", flat=True))


def model_exists(code: str) -> bool:
    return ChipModel.objects.filter(code=code).exists()


def open_application(handle: str) -> Application | None:
    """The application for this handle that is not decided yet."""
    return Application.objects.filter(handle=handle, state__in=OPEN_APPLICATIONS).first()


def regulators_of(countries: Iterable[str]) -> QuerySet[Organisation]:
    """The regulators that may sign today and have one of these countries; they see an application from there."""
    return Organisation.objects.filter(
        signer__kind=SignerKind.REGULATOR,
        signer__standing=Standing.ADMITTED,
        countries__overlap=list(countries),
    )


def admitted_by(organisation: Organisation) -> int | None:
    """Who let an organisation in, by its number; None for a first regulator, which nobody admitted."""
    first_key = (
        Key.objects.filter(signer=organisation.pk).select_related("added_by").order_by("added_by_id").first()
    )
    if first_key is None or first_key.added_by.kind != "organisation.admitted":
        return None
    return first_key.added_by.signer_id
