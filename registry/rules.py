"""What may be said about organisations, chip models and sites, and if not, why. Nothing here writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from chipledger.refusals import Refused
from chipledger.statements.common import KeyGrant, Owner
from chipledger.statements.registry import NetworkLink
from ledger.keys import key_known, parse_grant
from ledger.models import Signer, SignerKind, Standing
from registry.models import Application, ApplicationState, Organisation, Site

WHOLE_BP: Final = 10_000

# Bit length of each format's multiplier. TPP is 2 × MacTOPS × bit length of the operation, the maximum over formats
# (ECCN 3A090, technical note 2). TF32 is held in 32 bits and multiplied in 19 (1 sign, 8 exponent, 10 mantissa):
# we count the 19 that are multiplied, as the catalogue does.
BITS: Final = {"fp32": 32, "tf32": 19, "fp16": 16, "fp8": 8, "int8": 8, "fp4": 4}

# Memory policies count HBM "or equivalent on-package memory" (R. Rahman, arXiv 2605.29359); memory on the board is 0.
ON_PACKAGE: Final = ("HBM", "SRAM", "MCDRAM")
ON_BOARD: Final = ("GDDR", "LPDDR", "DDR")


def least_tpp(gflops: Mapping[str, int]) -> int:
    """The TPP that a model's own rates (1e9 dense operations a second) give, rounded half up."""
    best = max(rate * BITS[name] for name, rate in gflops.items())
    return (best + 500) // 1000


def counted_memory(memory_mb: int, memory_kind: str) -> int:
    """The megabytes that memory policies count: all that is in the package, none that is on the board."""
    kind = memory_kind.upper()
    if kind.startswith(ON_PACKAGE):
        return memory_mb
    if kind.startswith(ON_BOARD) or not memory_mb:
        return 0
    raise Refused(
        "unknown_memory_kind",
        f"Begin a memory kind with one of {', '.join(ON_PACKAGE + ON_BOARD)}.",
        field="memory_kind",
        value=memory_kind,
    )


def check_figures(gflops: Mapping[str, int], *, tpp: int) -> None:
    """Refuse a model without a rate, or with a TPP below what its own rates give."""
    if not gflops:
        raise Refused("no_rates", "Give a chip model's dense rate for at least one format.", field="gflops")
    least = least_tpp(gflops)
    if tpp < least:
        raise Refused(
            "tpp_too_low",
            f"The model's own rates give a TPP of {least}; name at least that.",
            field="tpp",
            value=str(tpp),
        )


def handle_taken(handle: str) -> Refused:
    """The refusal of a handle that an organisation has."""
    return Refused(
        "handle_taken",
        "An organisation has this handle; choose another one.",
        field="handle",
        value=handle,
        status=409,
    )


def check_owners(handle: str, owners: Sequence[Owner], *, known: frozenset[str], today: date) -> None:
    """Refuse owners that are unknown, the organisation itself, named twice, from the future, or more than the whole."""
    seen: set[str] = set()
    for owner in owners:
        if owner.organisation == handle:
            raise Refused(
                "owns_itself",
                "An organisation does not own itself; leave it out.",
                field="owners",
                value=handle,
            )
        if owner.organisation in seen:
            raise Refused(
                "owner_twice",
                "This owner is named twice; name it once.",
                field="owners",
                value=owner.organisation,
            )
        if owner.organisation not in known:
            raise Refused(
                "unknown_owner",
                "No organisation has this handle; see that it is right.",
                field="owners",
                value=owner.organisation,
            )
        if since_of(owner) > today:
            raise Refused(
                "owner_in_future",
                "A share has begun by the day it is filed; name today or an earlier one.",
                field="owners.since",
                value=owner.since,
            )
        seen.add(owner.organisation)
    total = sum(owner.share_bp for owner in owners)
    if total > WHOLE_BP:
        raise Refused(
            "owners_exceed_whole",
            "Shares sum up to at most 10,000 basis points; lower them.",
            field="owners",
            value=str(total),
        )


def since_of(owner: Owner) -> date:
    """The day a share began, which the pattern alone does not make a day of the calendar."""
    try:
        return date.fromisoformat(owner.since)
    except ValueError:
        raise Refused(
            "no_such_day",
            "The calendar has no such day; name another.",
            field="owners.since",
            value=owner.since,
        ) from None


def check_first_keys(grants: Sequence[KeyGrant], *, known: frozenset[str]) -> None:
    """Refuse first keys that are weak, repeated or registered, or none of which is an administrator's."""
    ids = [parse_grant(grant).key_id for grant in grants]
    for key_id in ids:
        if key_id in known:
            raise key_known(key_id, field="keys.spki")
        if ids.count(key_id) > 1:
            raise Refused(
                "key_twice", "This key is named twice; name it once.", field="keys.spki", value=key_id
            )
    if not any(grant.role == "administrator" for grant in grants):
        raise Refused("no_administrator", "Add an administrator's key to the first keys.", field="keys")


def check_answers_application(
    application: Application | None, *, kind: str, key_ids: frozenset[str], key_id: str
) -> None:
    """Refuse an admission that differs from what the organisation applied for, or comes before its vetting.

    ``key_id`` is the applicant's own; ``key_ids`` are those that the admission grants.
    """
    if application is None:
        return
    if application.state != ApplicationState.VETTED:
        raise Refused(
            "application_not_vetted",
            "This handle's application has not been vetted yet; vet it first.",
            field="handle",
            status=409,
        )
    if application.kind != kind:
        raise Refused(
            "differs_from_application",
            f"The application is for the kind {application.kind}; admit it as that.",
            field="organisation_kind",
            value=kind,
        )
    if key_id not in key_ids:
        raise Refused(
            "differs_from_application",
            "The applicant's own key is not among the first keys; add it.",
            field="keys",
        )


def check_jurisdiction(
    regulator: Organisation, organisation: Organisation, *, admitted_by: int | None
) -> None:
    """Refuse a regulator that shares no country with the organisation and did not admit it."""
    if admitted_by != regulator.pk and not set(regulator.countries) & set(organisation.countries):
        raise Refused(
            "outside_jurisdiction",
            "None of this organisation's countries is yours; leave it to its own regulator.",
            field="handle",
            status=403,
        )


def check_can_suspend(target: Signer, *, by: Signer) -> None:
    """Refuse to suspend oneself, or twice."""
    if target.pk == by.pk:
        raise Refused(
            "suspends_itself",
            "A regulator does not suspend itself; leave that to another one.",
            field="handle",
            value=target.handle,
        )
    if target.standing == Standing.SUSPENDED:
        raise Refused(
            "already_suspended",
            "This organisation is suspended already; load its page again.",
            field="handle",
            status=409,
        )


def check_previous(named: str | None, *, current: bytes) -> None:
    """Refuse a change that was made from another state than the present one."""
    if named != current.hex():
        raise Refused(
            "stale_previous",
            "This has changed since; look at the present statement and build on it.",
            field="previous",
            value=named,
            status=409,
        )


def check_stays(site: Site, *, country: str) -> None:
    """Refuse to take a site out of its regulator's sight by describing it anew; chips go abroad by a dispatch."""
    if site.country != country:
        raise Refused(
            "site_moves_abroad",
            "A site stays in its country; declare another site and dispatch the chips to it.",
            field="country",
            value=country,
        )


def check_links(code: str, links: Sequence[NetworkLink], *, known: frozenset[str]) -> None:
    """Refuse links to the site itself, to one site twice, or to a site that is not declared."""
    seen: set[str] = set()
    for link in links:
        if link.site == code:
            raise Refused(
                "links_itself",
                "A site has no link to itself; leave it out.",
                field="links.site",
                value=link.site,
            )
        if link.site in seen:
            raise Refused(
                "link_twice", "This link is named twice; name it once.", field="links.site", value=link.site
            )
        if link.site not in known:
            raise Refused(
                "unknown_site",
                "No site has this code; see that it is right.",
                field="links.site",
                value=link.site,
                status=404,
            )
        seen.add(link.site)


def check_operates(site: Site | None, signer: Signer, *, code: str, field: str = "site") -> Site:
    """The site, when this organisation operates it; a stranger's site does not exist for it."""
    if site is None or site.organisation_id != signer.pk:
        raise Refused(
            "unknown_site",
            "You have declared no site of this code; declare it first.",
            field=field,
            value=code,
            status=404,
        )
    return site


def check_is_maker(organisation: Organisation | None, *, handle: str) -> Organisation:
    """The organisation, when it makes chips."""
    if organisation is None or organisation.signer.kind != SignerKind.MANUFACTURER:
        raise Refused(
            "unknown_maker",
            "No manufacturer has this handle; see that it is right.",
            field="maker",
            value=handle,
            status=404,
        )
    return organisation
