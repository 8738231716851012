"""Clusters and the lines of the policies: strict, by site, by network and by owner."""

from __future__ import annotations

import pytest

from audits.access import readable_clusters
from audits.models import Cluster, Finding
from audits.policies import MIRI_OWNER, MIRI_SITE, PUBLISHED, RAHMAN_OWNER, RAHMAN_SITE, PublishedThreshold
from registry.access import Reader
from registry.models import Organisation, Role, Site
from tests.integration.audits.ground import DAY, LONG_AGO, NOW, Ground
from tracking.models import AccountKind


def in_force(ground: Ground, published: PublishedThreshold, **fields: object) -> None:
    lines = {f"above_{threshold.measure}": threshold.above for threshold in published.thresholds}
    ground.policy(
        **{
            "code": published.code,
            "grouping": published.grouping,
            "networked_above_mbit_s": published.networked_above_mbit_s,
            **lines,
            **fields,
        },
    )


@pytest.fixture
def operator(ground: Ground) -> Organisation:
    return ground.organisation("operator-a")


@pytest.fixture
def site(ground: Ground, operator: Organisation) -> Site:
    return ground.site(operator, "dc-1")


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda published: published.code)
def test_sixteen_h100_are_not_covered(ground: Ground, site: Site, published: PublishedThreshold) -> None:
    in_force(ground, published)
    ground.running(site, 16)

    assert ground.findings("threshold_exceeded") == []


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda published: published.code)
def test_seventeen_h100_are_covered(ground: Ground, site: Site, published: PublishedThreshold) -> None:
    in_force(ground, published)
    ground.running(site, 17)

    (finding,) = ground.findings("threshold_exceeded")

    key = "operator-a" if published.grouping == "owner" else "dc-1"
    assert finding.subject == f"cluster:{published.code}:{key}"
    assert finding.organisation.signer.handle == "operator-a"
    assert finding.frozen["arithmetic"]["tpp"] == 17 * 15_832
    assert finding.frozen["arithmetic"]["memory_mb"] == 1_360_000


def test_at_the_line_is_not_above_it(ground: Ground, site: Site) -> None:
    exact = ground.chip_model("exact", tpp=15_840, memory_mb=80_000)
    in_force(ground, MIRI_SITE)
    ground.running(site, 16, model=exact)
    assert ground.findings("threshold_exceeded") == []
    assert Cluster.objects.get().tpp == 253_440

    ground.running(site, 1, model=ground.chip_model("smallest", tpp=1, memory_mb=1))

    assert len(ground.findings("threshold_exceeded")) == 1


# Counts and gigabytes from R. Rahman's working notes: the first count over 1,280 GB.
@pytest.mark.parametrize(
    ("gigabytes", "first_over"),
    [(80, 17), (40, 33), (32, 41), (16, 81), (141, 10), (144, 9), (192, 7), (64, 21), (128, 11), (96, 14)],
)
def test_the_first_count_over_1280_gb_is_the_published_one(
    ground: Ground, site: Site, gigabytes: int, first_over: int
) -> None:
    model = ground.chip_model("model", tpp=1, memory_mb=gigabytes * 1000)
    in_force(ground, RAHMAN_SITE)
    ground.running(site, first_over - 1, model=model)
    assert ground.findings("threshold_exceeded") == []

    ground.running(site, 1, model=model)

    assert len(ground.findings("threshold_exceeded")) == 1


def test_board_memory_counts_nothing(ground: Ground, site: Site) -> None:
    board = ground.chip_model("gddr", tpp=1, memory_mb=48_000, counted_memory_mb=0)
    in_force(ground, RAHMAN_SITE)
    ground.running(site, 100, model=board)

    assert ground.findings("threshold_exceeded") == []


@pytest.mark.parametrize(("mbit_s", "above"), [(25_000, False), (25_001, True)])
def test_sites_are_one_cluster_when_linked_faster_than_the_line(
    ground: Ground, operator: Organisation, site: Site, mbit_s: int, above: bool
) -> None:
    middle, far = ground.site(operator, "dc-2"), ground.site(operator, "dc-3")
    ground.link(far, middle, mbit_s)
    ground.link(site, middle, mbit_s)
    in_force(ground, MIRI_SITE)
    for place in (site, middle, far):
        ground.running(place, 6)

    found = ground.findings("threshold_exceeded")

    assert [finding.subject for finding in found] == (["cluster:miri-cluster:dc-1"] if above else [])
    assert [finding.severity for finding in found] == (
        [4] if above else []
    )  # no site is above the line by itself
    assert Cluster.objects.count() == (1 if above else 3)


def test_a_cluster_in_the_open_is_a_fact_and_more_chips_than_slots_are_grave(
    ground: Ground, operator: Organisation, site: Site
) -> None:
    hidden = ground.site(operator, "dc-2", slots=16)
    in_force(ground, MIRI_SITE)
    ground.running(site, 17)
    ground.running(hidden, 17)

    found = ground.findings("threshold_exceeded")

    assert {finding.site.code: finding.severity for finding in found if finding.site} == {
        "dc-1": 2,
        "dc-2": 4,
    }


def test_companies_of_one_owner_are_one_cluster(ground: Ground) -> None:
    owner, other = ground.organisation("owner"), ground.organisation("other-owner")
    shells = [ground.organisation(f"shell-{number}") for number in range(4)]
    for number, shell in enumerate(shells):
        ground.running(ground.site(shell, f"dc-{number}"), 6)
    for shell in shells[:2]:
        ground.owns(owner, shell, 5_000)
    ground.owns(owner, shells[2], 4_999)
    ground.owns(other, shells[3], 10_000)
    in_force(ground, MIRI_OWNER)
    assert ground.findings("threshold_exceeded") == []

    ground.owns(shells[0], shells[2], 2_000)  # 49.99 % + 50 % of 20 % = 59.99 %

    (finding,) = ground.findings("threshold_exceeded")
    assert (finding.subject, finding.severity) == ("cluster:miri-owner:owner", 4)
    assert finding.frozen["confidential"]["members"] == ["shell-0", "shell-1", "shell-2"]
    assert finding.frozen["arithmetic"]["chips"] == 18


@pytest.mark.parametrize(("at_first", "severity"), [(16, 4), (17, 2)])
def test_splitting_over_own_sites_is_grave_unless_one_site_is_above_openly(
    ground: Ground, operator: Organisation, site: Site, at_first: int, severity: int
) -> None:
    in_force(ground, MIRI_OWNER)
    ground.running(site, at_first)
    ground.running(ground.site(operator, "dc-2"), 5)

    (finding,) = ground.findings("threshold_exceeded")

    assert (finding.subject, finding.severity) == ("cluster:miri-owner:operator-a", severity)


@pytest.mark.parametrize(
    ("kind", "counts_for_owner", "counts_at_site"),
    [
        (AccountKind.ON_HAND, True, True),
        (AccountKind.RETIRED, True, True),
        (AccountKind.LOST, True, True),
        (AccountKind.STOLEN, True, True),
        (AccountKind.IN_TRANSIT, True, False),
        (AccountKind.EXPORTED, True, False),
        (AccountKind.DESTROYED, False, False),
    ],
)
def test_a_chip_counts_for_its_last_holder_until_it_is_destroyed(
    ground: Ground, site: Site, kind: AccountKind, counts_for_owner: bool, counts_at_site: bool
) -> None:
    in_force(ground, RAHMAN_OWNER)
    in_force(ground, RAHMAN_SITE)
    ground.running(site, 16)
    ground.chips(site, kind=kind)

    subjects = {finding.subject for finding in ground.findings("threshold_exceeded")}

    assert ("cluster:rahman-owner:operator-a" in subjects) == counts_for_owner
    assert ("cluster:rahman-memory:dc-1" in subjects) == counts_at_site


def test_a_policy_counts_only_in_its_countries_and_days(
    ground: Ground, operator: Organisation, site: Site
) -> None:
    abroad = ground.site(operator, "dc-de", country="DE")
    ground.running(site, 17)
    ground.running(abroad, 17)
    in_force(ground, MIRI_SITE, code="german", countries=["DE"])
    in_force(ground, MIRI_SITE, code="over", effective_until=NOW)
    in_force(ground, MIRI_SITE, code="to-come", effective_from=NOW + DAY)
    in_force(ground, MIRI_SITE, code="replaced", effective_from=LONG_AGO - DAY)
    in_force(ground, MIRI_SITE, code="replaced", above_tpp=10**9)

    assert [finding.subject for finding in ground.findings("threshold_exceeded")] == ["cluster:german:dc-de"]


def test_a_dissolved_cluster_is_forgotten_and_its_finding_clears(ground: Ground, site: Site) -> None:
    in_force(ground, MIRI_SITE)
    ground.running(site, 17)
    ground.sweep()
    site.accounts.get().holdings.all().delete()
    ground.sweep(at=NOW + DAY)
    ground.sweep(at=NOW + 2 * DAY)

    assert not Cluster.objects.exists()
    assert Finding.objects.get(rule="threshold_exceeded").closing == Finding.Closing.CLEARED


def test_a_link_to_a_strangers_site_counts_when_both_have_declared_it_and_neither_learns_the_sum(
    ground: Ground, operator: Organisation, site: Site
) -> None:
    stranger = ground.organisation("operator-b")
    there = ground.site(stranger, "dc-9")
    in_force(ground, MIRI_SITE)
    ground.running(site, 9)
    ground.running(there, 10)
    ground.link(there, site, 100_000)
    assert ground.findings("threshold_exceeded") == []
    assert {each.key: (each.chips, each.is_shared) for each in Cluster.objects.all()} == {
        "dc-1": (9, False),
        "dc-9": (10, False),
    }

    ground.link(site, there, 100_000)

    (finding,) = ground.findings("threshold_exceeded", at=NOW + DAY)
    cluster = Cluster.objects.get()
    assert (cluster.chips, cluster.is_shared, finding.organisation) == (19, True, stranger)
    assert finding.frozen["confidential"]["chips"] == 19
    assert finding.frozen["arithmetic"]["is_shared"]
    assert not {"chips", "tpp", "memory_mb"} & finding.frozen["arithmetic"].keys()
    for organisation in (operator, stranger):
        reader = Reader(organisation, organisation.signer.handle, "operator", ("US",), Role.VIEWER)
        assert not readable_clusters(reader).exists()
