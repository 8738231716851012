"""Chips that are silent, elsewhere, nowhere on the book, or in two places."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audits.models import Finding
from registry.models import Site
from tests.integration.audits.ground import DAY, HARDWARE, LABEL, LONG_AGO, NOW, Ground
from tracking.models import AccountKind

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def site(ground: Ground) -> Site:
    return ground.site(ground.organisation("operator-a"), "dc-1")


@pytest.fixture
def second_site(ground: Ground, site: Site) -> Site:
    return ground.site(site.organisation, "dc-2")


@pytest.fixture
def foreign_site(ground: Ground) -> Site:
    return ground.site(ground.organisation("operator-b", countries=["DE"]), "dc-3", country="DE")


@pytest.mark.parametrize(
    ("silence", "severities"),
    [
        (36 * HOUR, []),
        (36 * HOUR + SECOND, [2]),
        (72 * HOUR + SECOND, [3]),
        (120 * HOUR, [3]),
        (120 * HOUR + SECOND, [4]),
    ],
)
def test_silence_is_late_overdue_and_missing_by_the_cadence(
    ground: Ground, site: Site, silence: timedelta, severities: list[int]
) -> None:
    (chip,) = ground.chips(site, installed_at=LONG_AGO)
    ground.see(chip, site, seen_at=NOW - silence)

    assert ground.severities("stale_attestation") == severities


def test_a_label_does_not_end_a_silence(ground: Ground, site: Site) -> None:
    (chip,) = ground.chips(site, installed_at=LONG_AGO)
    ground.see(chip, site, identity=LABEL)

    (finding,) = ground.findings("stale_attestation")

    assert finding.subject == f"chip:maker-a/{chip.serial}"
    assert finding.chip_id == chip.pk


def test_a_chip_without_a_key_stays_below_what_calls_for_an_inspection(ground: Ground, site: Site) -> None:
    ground.chips(site, installed_at=LONG_AGO, keyed=False)

    assert ground.severities("stale_attestation") == [3]


def test_a_new_installation_has_one_and_a_half_cadences(ground: Ground, site: Site) -> None:
    ground.chips(site, installed_at=NOW - 36 * HOUR)
    (late,) = ground.chips(site, installed_at=NOW - 36 * HOUR - SECOND)

    assert [finding.chip_id for finding in ground.findings("stale_attestation")] == [late.pk]


def test_putting_a_chip_back_does_not_wind_the_clock_back(ground: Ground, site: Site) -> None:
    (chip,) = ground.chips(site, installed_at=NOW - 40 * HOUR)
    ground.see(chip, site, seen_at=NOW - 10 * DAY)

    assert ground.severities("stale_attestation") == [4]


def test_evidence_given_to_the_holder_before_is_not_counted_against_the_new_one(
    ground: Ground, site: Site
) -> None:
    (chip,) = ground.chips(site, since=NOW - 3 * DAY, installed_at=NOW - 40 * HOUR)
    ground.see(chip, site, seen_at=NOW - 30 * DAY)

    assert ground.severities("stale_attestation") == [2]


@pytest.mark.parametrize("kind", [kind for kind in AccountKind if kind != AccountKind.ON_HAND])
def test_chips_that_are_not_on_hand_owe_no_evidence(ground: Ground, site: Site, kind: AccountKind) -> None:
    ground.chips(site, kind=kind, installed_at=LONG_AGO)

    assert ground.findings("stale_attestation") == []


def test_stored_chips_owe_evidence_rarely_and_new_ones_none(ground: Ground, site: Site) -> None:
    ground.chips(site)
    (rested,) = ground.chips(site)
    ground.see(rested, site, seen_at=NOW - 90 * DAY)
    (overdue,) = ground.chips(site)
    ground.see(overdue, site, seen_at=NOW - 180 * DAY - SECOND)

    (finding,) = ground.findings("stale_attestation")

    assert (finding.chip_id, finding.severity) == (overdue.pk, 3)


def test_a_declared_outage_stops_the_clock_once_and_for_two_weeks_at_most(ground: Ground, site: Site) -> None:
    chips = ground.chips(site, 2, installed_at=LONG_AGO)
    ground.see(chips[0], site, seen_at=NOW - 5 * DAY)
    ground.see(chips[1], site, seen_at=NOW - 19 * DAY - SECOND)
    ground.outage(site, NOW - 5 * DAY, NOW - 2 * DAY)
    ground.outage(site, NOW - 4 * DAY, NOW - DAY)
    assert ground.severities("stale_attestation") == [4]

    ground.outage(site, NOW - 40 * DAY, NOW)

    (finding,) = [finding for finding in ground.findings("stale_attestation") if finding.quiet_sweeps == 0]
    assert finding.chip_id == chips[1].pk
    assert (
        finding.frozen["arithmetic"]["silent_hours"] == 15 * 24
    )  # 19 days less the 4 that were declared at first


def test_an_outage_of_another_site_stops_no_clock(ground: Ground, site: Site, second_site: Site) -> None:
    (chip,) = ground.chips(site, installed_at=LONG_AGO)
    ground.see(chip, site, seen_at=NOW - 4 * DAY)
    ground.outage(second_site, NOW - 5 * DAY, NOW)

    assert ground.severities("stale_attestation") == [3]


def test_a_chip_seen_at_another_site_of_its_holder_is_misplaced(
    ground: Ground, site: Site, second_site: Site
) -> None:
    (chip,) = ground.running(site)
    ground.see(chip, second_site, present_since=NOW - 2 * DAY - SECOND)

    (finding,) = ground.findings("location_mismatch")

    assert (finding.chip_id, finding.severity, finding.site) == (chip.pk, 4, site)
    assert finding.frozen["arithmetic"]["seen_at_site"] == "dc-2"


@pytest.mark.parametrize(
    ("since", "seen_at", "present_since"),
    [
        pytest.param(LONG_AGO, NOW - HOUR, NOW - 2 * DAY, id="within the grace of the silicon"),
        pytest.param(NOW - 2 * DAY, NOW - HOUR, LONG_AGO, id="within the grace of the book"),
        pytest.param(NOW - 5 * DAY, NOW - 5 * DAY, LONG_AGO, id="seen before the book changed"),
        pytest.param(LONG_AGO, NOW - 3 * DAY, LONG_AGO, id="no longer fresh"),
    ],
)
def test_a_place_that_may_still_be_right_is_no_mismatch(
    ground: Ground,
    site: Site,
    second_site: Site,
    foreign_site: Site,
    since: object,
    seen_at: object,
    present_since: object,
) -> None:
    for elsewhere in (second_site, foreign_site):
        (chip,) = ground.running(site, since=since)
        ground.see(chip, elsewhere, seen_at=seen_at, present_since=present_since)

    assert ground.findings("location_mismatch") == []
    assert ground.findings("unbooked_presence") == []


def test_a_label_elsewhere_misplaces_nothing(
    ground: Ground, site: Site, second_site: Site, foreign_site: Site
) -> None:
    for elsewhere in (second_site, foreign_site):
        (chip,) = ground.running(site)
        ground.see(chip, elsewhere, identity=LABEL, seen_at=NOW - 2 * HOUR, present_since=LONG_AGO)

    assert ground.findings("location_mismatch") == []
    assert ground.findings("unbooked_presence") == []


def test_a_chip_seen_at_a_stranger_is_unbooked_there(ground: Ground, site: Site, foreign_site: Site) -> None:
    (chip,) = ground.running(site)
    ground.see(chip, foreign_site, present_since=NOW - 3 * DAY)

    (finding,) = ground.findings("unbooked_presence")

    assert (finding.chip_id, finding.severity) == (chip.pk, 4)
    assert finding.organisation.signer.handle == "operator-b"
    assert finding.counterparty == site.organisation
    assert "dc-1" not in str(finding.frozen["arithmetic"])
    assert ground.findings("location_mismatch") == []


def test_a_chip_under_way_to_where_it_attests_is_contested_not_unbooked(
    ground: Ground, site: Site, foreign_site: Site
) -> None:
    coming = ground.transfer(site, foreign_site, due_at=NOW + DAY)
    going_elsewhere = ground.transfer(
        site, ground.site(ground.organisation("operator-c"), "dc-4"), due_at=NOW + DAY
    )
    chips = [
        *ground.chips(site, kind=AccountKind.IN_TRANSIT, transfer=coming),
        *ground.chips(site, kind=AccountKind.IN_TRANSIT, transfer=going_elsewhere),
    ]
    for chip in chips:
        ground.see(chip, foreign_site, present_since=NOW - 3 * DAY)

    assert [finding.chip_id for finding in ground.findings("unbooked_presence")] == [chips[1].pk]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (AccountKind.ON_HAND, 0),
        (AccountKind.IN_TRANSIT, 0),
        (AccountKind.RETIRED, 0),
        (AccountKind.LOST, 1),
        (AccountKind.STOLEN, 1),
        (AccountKind.DESTROYED, 1),
        (AccountKind.EXPORTED, 1),
    ],
)
def test_a_chip_that_is_gone_must_not_attest_at_its_holder_either(
    ground: Ground, site: Site, kind: AccountKind, expected: int
) -> None:
    (chip,) = ground.chips(site, kind=kind, since=NOW - 30 * DAY)
    ground.see(chip, site)

    assert len(ground.findings("unbooked_presence")) == expected


def test_evidence_from_two_places_is_grave_and_only_a_regulator_closes_it(
    ground: Ground, site: Site, foreign_site: Site
) -> None:
    (chip,) = ground.running(site)
    ground.conflict(chip, site, foreign_site, seen_at=NOW - 29 * DAY)

    (finding,) = ground.findings("two_places")
    for later in (10, 20, 30):
        ground.sweep(at=NOW + later * DAY)

    finding.refresh_from_db()
    assert (finding.severity, finding.organisation, finding.closed_at) == (5, site.organisation, None)
    assert finding.frozen["confidential"]["sites"] == ["dc-1", "dc-3"]


def test_a_fork_at_one_site_is_not_two_places(ground: Ground, site: Site) -> None:
    (chip,) = ground.running(site)
    ground.conflict(chip, site, site, seen_at=NOW - DAY, sign="chain_fork")

    assert ground.findings("two_places") == []


@pytest.mark.parametrize(("sign", "severity"), [("sequence_fork", 4), ("chain_fork", 3)])
def test_a_fork_at_one_site_is_suspected_tampering_that_only_a_regulator_closes(
    ground: Ground, site: Site, foreign_site: Site, sign: str, severity: int
) -> None:
    forked, far = ground.running(site, 2)
    ground.conflict(forked, site, site, seen_at=NOW - 29 * DAY, sign=sign)
    ground.conflict(far, site, foreign_site, seen_at=NOW - DAY, sign=sign)

    (finding,) = ground.findings("tamper_suspected")
    for later in (10, 20, 30):
        ground.sweep(at=NOW + later * DAY)

    finding.refresh_from_db()
    assert (finding.chip_id, finding.severity, finding.closed_at) == (forked.pk, severity, None)


def test_a_label_elsewhere_while_the_key_was_here_is_two_places(
    ground: Ground, site: Site, foreign_site: Site
) -> None:
    dummy, moved = ground.running(site, 2)
    ground.see(dummy, foreign_site, identity=LABEL, seen_at=NOW - DAY)
    ground.see(moved, site, identity=HARDWARE, present_since=NOW - DAY)
    ground.see(moved, foreign_site, identity=LABEL, seen_at=NOW - 2 * DAY)

    assert [finding.chip_id for finding in ground.findings("two_places")] == [dummy.pk]


def test_healthy_chips_are_no_findings(ground: Ground, site: Site) -> None:
    ground.running(site, 5)
    ground.chips(site, 5)

    ground.sweep()

    assert not Finding.objects.exists()
