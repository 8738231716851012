"""The simulated world stands on real sites whose owners, models and places all resolve."""

import re
from itertools import chain

from registry.catalogue import load_models
from simulator.catalogue import (
    Coordinates,
    OrganisationFact,
    PowerSource,
    SiteFact,
    load_organisations,
    load_sites,
)

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
ORGANISATIONS = {organisation.handle: organisation for organisation in load_organisations()}
MODELS = {model.code: model for model in load_models()}
# Country centroids that stand for "somewhere in China, the United States, Japan" in the public file.
CENTROIDS_E7 = {
    (354867030, 1019018750),
    (393812660, -979222110),
    (363864930, 1385922300),
}
KINDS = {
    "manufacturer",
    "integrator",
    "distributor",
    "carrier",
    "operator",
    "regulator",
    "inspectorate",
}


def of_kind(kind: str) -> list[OrganisationFact]:
    return [organisation for organisation in load_organisations() if organisation.kind == kind]


def named(code: str) -> SiteFact:
    return next(site for site in load_sites() if site.code == code)


def test_at_least_seventy_sites_with_codes_used_once() -> None:
    codes = [site.code for site in load_sites()]
    assert len(codes) >= 70
    assert len(set(codes)) == len(codes)
    assert all(SLUG.fullmatch(code) for code in codes)


def test_every_owner_is_an_operator_present_in_the_country_of_its_site() -> None:
    for site in load_sites():
        owner = ORGANISATIONS[site.owner]
        assert owner.kind == "operator", site
        assert site.country in owner.countries, site


def test_every_chip_model_and_its_maker_resolve() -> None:
    assert {site.chip_model for site in load_sites()} <= MODELS.keys()
    makers = {organisation.handle for organisation in of_kind("manufacturer")}
    assert {model.maker for model in MODELS.values()} <= makers


def test_every_site_is_a_place_of_its_own_on_earth_and_no_centroid() -> None:
    places = [(site.latitude_e7, site.longitude_e7) for site in load_sites()]
    assert all(
        abs(latitude) <= 900_000_000 and abs(longitude) <= 1_800_000_000 for latitude, longitude in places
    )
    assert len(set(places)) == len(places)
    assert not CENTROIDS_E7 & set(places)


def test_sites_known_only_by_their_town_say_so() -> None:
    assert named("colossus-1").coordinates is Coordinates.SITE
    assert named("meta-kuna").coordinates is Coordinates.TOWN
    assert named("pawsey-setonix").latitude_e7 < 0 < named("pawsey-setonix").longitude_e7


def test_derived_power_is_chips_times_tdp_times_1_6() -> None:
    derived = [site for site in load_sites() if site.power_source is PowerSource.DERIVED]
    assert derived
    for site in derived:
        tdp_w = MODELS[site.chip_model].tdp_w
        assert tdp_w is not None
        assert site.power_kw == -(-(site.chip_count * tdp_w * 8 // 5) // 1000), site


def test_every_site_can_feed_its_chips() -> None:
    for site in load_sites():
        tdp_w = MODELS[site.chip_model].tdp_w
        assert tdp_w is not None
        assert 0 < site.chip_count * tdp_w <= site.power_kw * 1000, site


def test_every_organisation_has_a_known_kind_and_countries() -> None:
    assert len(ORGANISATIONS) == len(load_organisations())
    assert all(SLUG.fullmatch(handle) for handle in ORGANISATIONS)
    assert {organisation.kind for organisation in load_organisations()} == KINDS
    countries = chain.from_iterable(organisation.countries for organisation in load_organisations())
    assert all(re.fullmatch(r"[A-Z]{2}", country) for country in countries)
    assert all(organisation.countries for organisation in load_organisations())


def test_shares_name_known_owners_and_never_exceed_the_whole() -> None:
    for organisation in load_organisations():
        assert all(share.owner in ORGANISATIONS and share.basis_points > 0 for share in organisation.owners)
        assert sum(share.basis_points for share in organisation.owners) <= 10_000
        assert organisation.handle not in {share.owner for share in organisation.owners}
    assert [(s.owner, s.basis_points) for s in ORGANISATIONS["dcai"].owners] == [
        ("novo-nordisk-foundation", 8_500),
        ("eifo", 1_500),
    ]


def test_two_regulators_cover_every_country_with_a_site_and_share_some() -> None:
    north, meridian = (set(regulator.countries) for regulator in of_kind("regulator"))
    countries = {site.country for site in load_sites()}
    assert north | meridian == countries
    assert north & meridian
    assert [set(inspectorate.countries) for inspectorate in of_kind("inspectorate")] == [countries]
