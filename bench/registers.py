"""A large register with sightings, transfers and trouble in known shares: what a sweep of a country would look at.

Everything follows from a chip's number by fixed arithmetic, so two registers of one size are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from audits.policies import PUBLISHED
from bench import worlds
from chipledger import clock
from chipledger.statements.audits import PolicyPublished
from ledger import door
from tests.world import World

ORGANISATIONS = 200
CHIPS_OF_A_TRANSFER = 5

_PARTIES = """
WITH named AS (
    INSERT INTO ledger_signer (handle, kind, standing)
    SELECT 'holder-' || number, 'operator', 'admitted' FROM generate_series(1, %(organisations)s) number
    RETURNING id, handle
), party AS (
    INSERT INTO registry_organisation (signer_id, name, countries, statement_id)
    SELECT id, handle, CASE WHEN id %% 3 = 0 THEN '{DE}'::text[] ELSE '{US}' END, %(statement)s FROM named
    RETURNING signer_id
), owned AS (
    INSERT INTO registry_ownership (organisation_id, owner_id, share_bp, since, statement_id)
    SELECT signer_id, signer_id - signer_id %% 4, 6000, '2020-01-01', %(statement)s FROM party
    WHERE signer_id %% 4 <> 0 AND signer_id - signer_id %% 4 >= (SELECT min(signer_id) FROM party)
)
SELECT count(*) FROM party
"""

# Every tenth site and the next one have declared a link of 100 Gbit/s. Each organisation has every 200th site.
_SITES = """
WITH holder AS (
    SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM ledger_signer WHERE handle LIKE 'holder-%%'
), site AS (
    INSERT INTO registry_site (code, organisation_id, name, country, latitude_e7, longitude_e7, power_kw, slots,
                               declared_at, statement_id)
    SELECT 'place-' || number, holder.id, 'Place ' || number, CASE WHEN number %% 3 = 0 THEN 'DE' ELSE 'US' END,
           300000000 + number * 10000, -900000000 + number * 10000, 100000,
           CASE WHEN number %% 7 = 0 THEN 10 ELSE 1000000 END, now(), %(statement)s
    FROM generate_series(0, %(sites)s - 1) number JOIN holder ON holder.place = number %% %(organisations)s
    ORDER BY number RETURNING id, organisation_id
), account AS (
    INSERT INTO tracking_account (kind, organisation_id, site_id)
    SELECT kind, organisation_id, id FROM site CROSS JOIN unnest(ARRAY['on_hand', 'in_transit', 'lost']) kind
), link AS (
    INSERT INTO registry_networklink (site_id, other_id, mbit_s)
    SELECT side.id, side.other_id, 100000
    FROM site CROSS JOIN LATERAL (VALUES (id, id + 1), (id + 1, id)) side (id, other_id)
    WHERE site.id %% 10 = 0 AND site.id < (SELECT max(id) FROM site)
)
SELECT min(id) FROM site
"""

# Sites differ in size as the cube of a uniform number. `lot` of 0 to 999 says what became of a chip.
_PLAN = """
CREATE TEMP TABLE plan AS
SELECT number, number %% 1000 AS lot,
       %(first_site)s + floor(%(sites)s * power(number * 2654435761 %% 4294967296 / 4294967296.0, 3))::bigint AS site_id
FROM generate_series(1, %(chips)s) number
"""

_CHIPS = """
INSERT INTO registry_chip (maker_id, serial, model_id, device_key, statement_id)
SELECT maker.id, 'S' || lpad(number::text, 9, '0'), models.id[1 + number %% cardinality(models.id)],
       %(head)s || sha512(number::text::bytea), %(statement)s
FROM plan, ledger_signer maker, (SELECT array_agg(id ORDER BY id) AS id FROM registry_chipmodel) models
WHERE maker.handle = %(maker)s ORDER BY number
"""

_MOVEMENTS = """
INSERT INTO tracking_movement (kind, statement_id, target_id, quantity, effective_at, recorded_at)
SELECT 'opened', %(statement)s, id, 1, %(at)s - interval '60 days', %(at)s - interval '60 days' FROM tracking_account
"""

_HOLDINGS = """
INSERT INTO tracking_holding (chip_id, account_id, model_id, movement_id, since, installed_at)
SELECT chip.id, account.id, chip.model_id, movement.id,
       %(at)s - CASE WHEN lot = 0 THEN interval '20 days' ELSE interval '60 days' END,
       CASE WHEN lot BETWEEN 100 AND 949 THEN %(at)s - interval '50 days' END
FROM plan
JOIN registry_chip chip ON chip.serial = 'S' || lpad(number::text, 9, '0')
JOIN tracking_account account ON account.site_id = plan.site_id
 AND account.kind = CASE WHEN lot = 0 THEN 'lost' WHEN lot = 1 THEN 'in_transit' ELSE 'on_hand' END
JOIN (SELECT target_id, max(id) AS id FROM tracking_movement GROUP BY target_id) movement
  ON movement.target_id = account.id
ORDER BY chip.id
"""

# Lots 100 to 104 fell silent ten days ago; 105 is at its organisation's next site, 106 at somebody else's.
_SIGHTINGS = """
INSERT INTO attestations_sighting (chip_id, identity, place, site_id, seen_at, present_since, seq, claims_sha256,
                                   statement_id)
SELECT holding.chip_id, 5, 2,
       CASE WHEN lot = 105 THEN coalesce(
                (SELECT min(id) FROM registry_site other
                 WHERE other.organisation_id = site.organisation_id AND other.id > site.id),
                (SELECT max(id) FROM registry_site other
                 WHERE other.organisation_id = site.organisation_id AND other.id < site.id))
            WHEN lot = 106 THEN %(first_site)s + (site.id - %(first_site)s + 1) %% %(sites)s
            ELSE site.id END,
       %(at)s - CASE WHEN lot BETWEEN 100 AND 104 THEN interval '10 days' ELSE number %% 1440 * interval '1 minute' END,
       %(at)s - interval '40 days', 40, sha256(number::text::bytea), %(statement)s
FROM plan
JOIN registry_chip chip ON chip.serial = 'S' || lpad(number::text, 9, '0')
JOIN tracking_holding holding ON holding.chip_id = chip.id
JOIN registry_site site ON site.id = plan.site_id
WHERE lot BETWEEN 100 AND 949
ORDER BY chip.id
"""

_CONFLICTS = """
INSERT INTO attestations_conflict (chip_id, sign, site_id, other_site_id, seen_at, other_seen_at, statement_id)
SELECT chip_id, 'two_places', site_id, %(first_site)s + (site_id - %(first_site)s + 1) %% %(sites)s,
       seen_at - interval '2 days', seen_at - interval '2 days 1 hour', statement_id
FROM attestations_sighting WHERE chip_id %% 10000 = 107
"""

# Chips under way form transfers of five to another organisation; every other one is overdue, and every third of the
# others has a short, a strange and a swapped chip.
_TRANSFERS = """
WITH under_way AS (
    SELECT holding.chip_id, account.organisation_id, account.site_id,
           (row_number() OVER (PARTITION BY account.id ORDER BY holding.chip_id) - 1) / %(of_a_transfer)s AS place
    FROM tracking_holding holding JOIN tracking_account account ON account.id = holding.account_id
    WHERE account.kind = 'in_transit'
), parcel AS (
    SELECT organisation_id, site_id, place, count(*) AS quantity, row_number() OVER (ORDER BY site_id, place) AS number,
           %(first_site)s + (site_id - %(first_site)s + 1) %% %(sites)s AS to_site_id
    FROM under_way GROUP BY organisation_id, site_id, place
), transfer AS (
    INSERT INTO tracking_transfer (digest, statement_id, sender_id, consignee_id, from_site_id, to_site_id, waybill,
        quantity, outstanding, state, dispatched_at, estimated_arrival, due_at, recorded_at)
    SELECT sha256(('transfer ' || number)::bytea), %(statement)s, parcel.organisation_id, target.organisation_id,
        parcel.site_id, to_site_id, number::text, quantity, quantity, 'dispatched', %(at)s - interval '20 days',
        %(at)s - interval '15 days',
        CASE WHEN number %% 2 = 0 THEN %(at)s - interval '12 days' ELSE %(at)s + interval '1 day' END, %(at)s
    FROM parcel JOIN registry_site target ON target.id = to_site_id RETURNING id, waybill
), held AS (
    UPDATE tracking_holding holding SET transfer_id = transfer.id
    FROM under_way JOIN parcel USING (organisation_id, site_id, place)
    JOIN transfer ON transfer.waybill = parcel.number::text
    WHERE holding.chip_id = under_way.chip_id
)
INSERT INTO tracking_difference (transfer_id, receipt_id, kind, name, why, outcome, recorded_at)
SELECT transfer.id, %(statement)s, kind, kind || '/' || transfer.id, '', '', %(at)s - interval '5 days'
FROM transfer CROSS JOIN unnest(ARRAY['short', 'over', 'swapped']) kind
WHERE transfer.waybill::int %% 2 = 1 AND transfer.waybill::int %% 3 = 0
"""

# As many sites as there are statements to say so were counted just now: each missed its first stored chip, and found
# one that nobody knows.
_COUNTS = """
WITH stored AS (
    SELECT account.site_id, account.organisation_id, min(holding.chip_id) AS chip_id, count(*) AS chips,
           row_number() OVER (ORDER BY account.site_id) AS number
    FROM tracking_holding holding JOIN tracking_account account ON account.id = holding.account_id
    WHERE account.kind = 'on_hand' AND holding.installed_at IS NULL
    GROUP BY account.site_id, account.organisation_id
), counted AS (
    INSERT INTO tracking_stockcount (statement_id, organisation_id, site_id, method, counted_at, recorded_at,
        expected, found, missing, unexpected)
    SELECT statement.id, organisation_id, site_id, 'scan', %(at)s - interval '1 second', %(at)s - interval '1 second',
        chips, chips, 1, 1
    FROM stored JOIN (SELECT id, row_number() OVER (ORDER BY id) AS number FROM ledger_statement) statement
      USING (number)
    RETURNING id, site_id
)
INSERT INTO tracking_stockdifference (count_id, kind, name, chip_id)
SELECT counted.id, kind, %(maker)s || '/' || CASE kind WHEN 'missing' THEN chip.serial ELSE 'X' || counted.id END,
       CASE kind WHEN 'missing' THEN chip.id END
FROM counted JOIN stored USING (site_id) JOIN registry_chip chip ON chip.id = stored.chip_id
CROSS JOIN unnest(ARRAY['missing', 'unexpected']) kind
"""

_OUTAGES = """
INSERT INTO attestations_outage (site_id, organisation_id, begins_at, ends_at, reason, statement_id)
SELECT id, organisation_id, %(at)s - interval '9 days', %(at)s - interval '8 days', 'maintenance', %(statement)s
FROM registry_site WHERE id %% 20 = 0
"""


@dataclass(frozen=True)
class Register:
    """A register that was built, and the instant it is to be swept at."""

    world: World
    at: datetime


def build_register(*, chips: int, sites: int) -> Register:
    """Fill an empty database with holders, sites, chips, sightings, transfers, counts, outages and policies."""
    world = worlds.small_world()
    for number in range(1, 8):
        world.publish_model(
            f"model-{number}",
            gflops={"fp16": 125_000 * number},
            tpp=2_000 * number,
            memory_mb=16_000 * number,
        )
    for threshold in PUBLISHED:
        fields = threshold.fields(effective_from=door.now() - timedelta(days=365))
        world.submit(PolicyPublished, by=world.regulator, **fields)
    at = clock.now()
    values: dict[str, datetime | int | str | bytes] = {
        "at": at,
        "chips": chips,
        "sites": sites,
        "organisations": min(ORGANISATIONS, sites // 2),
        "of_a_transfer": CHIPS_OF_A_TRANSFER,
        "maker": world.maker.handle,
        "head": worlds.P256_HEAD,
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM ledger_statement")
        (values["statement"],) = cursor.fetchone()
        cursor.execute(_PARTIES, values)
        cursor.execute(_SITES, values)
        (values["first_site"],) = cursor.fetchone()
        for step in (_PLAN, _CHIPS, _MOVEMENTS):
            cursor.execute(step, values)
        worlds.settle()
        cursor.execute("ANALYZE plan")
        for step in (_HOLDINGS, _SIGHTINGS, _CONFLICTS, _TRANSFERS, _COUNTS, _OUTAGES):
            cursor.execute(step, values)
    worlds.settle()
    return Register(world, at)
