"""Who controls whom: shares followed through every chain of owners."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db import connection

MAJORITY_BP: Final = 5_000

# Each chain visits an organisation once, so that owners in a circle end it; and it ends where less than a tenth
# of a basis point is left, so that dense cross-holdings cannot make it enumerate without bound.
_EFFECTIVE_SHARES: Final = """
WITH RECURSIVE direct AS (
    SELECT organisation_id, owner_id, share_bp::numeric / 10000 AS share FROM registry_ownership
    WHERE since <= %(on)s AND (until IS NULL OR until > %(on)s)
), chain (organisation_id, owner_id, share, path) AS (
    SELECT organisation_id, owner_id, share, ARRAY[organisation_id, owner_id] FROM direct
    UNION ALL
    SELECT chain.organisation_id, direct.owner_id, chain.share * direct.share, chain.path || direct.owner_id
    FROM chain JOIN direct ON direct.organisation_id = chain.owner_id
    WHERE direct.owner_id <> ALL (chain.path) AND chain.share * direct.share >= 0.00001
)
SELECT organisation_id, owner_id, floor(sum(share) * 10000)::int FROM chain
GROUP BY organisation_id, owner_id HAVING sum(share) * 10000 >= %(majority)s
ORDER BY organisation_id, owner_id
"""


@dataclass(frozen=True)
class Control:
    """A share of at least half, all chains multiplied along and summed up; in basis points."""

    organisation_id: int
    owner_id: int
    share_bp: int


@dataclass(frozen=True)
class BeneficialGroup:
    """An owner whom nobody else stands above, and everybody it controls, itself included; numbers in order."""

    owner_id: int
    members: tuple[int, ...]


def controls(*, on: date) -> list[Control]:
    """Everybody who held at least half of an organisation on this day: direct, indirect, or summed."""
    with connection.cursor() as cursor:
        cursor.execute(_EFFECTIVE_SHARES, {"on": on, "majority": MAJORITY_BP})
        return [Control(*row) for row in cursor.fetchall()]


def beneficial_groups(*, on: date) -> list[BeneficialGroup]:
    """The groups under common control on this day that have at least two members.

    An owner heads a group when somebody in it is not also controlled by a controller of that owner: A with all of B,
    and B with 60 % of C, is one group of A. Were A's share of B 60 % only, A would hold 36 % of C, and B would head a
    group of its own with C. Of owners in a circle, the one with the lowest number stands for all. An organisation that
    two owners hold half of each belongs to both their groups.
    """
    below: dict[int, set[int]] = defaultdict(set)
    above: dict[int, set[int]] = defaultdict(set)
    for control in controls(on=on):
        below[control.owner_id].add(control.organisation_id)
        above[control.organisation_id].add(control.owner_id)
    groups = []
    for owner, controlled in sorted(below.items()):
        members = controlled | {owner}
        superiors = [head for head in above[owner] if head not in controlled or head < owner]
        if not any(members <= below[head] | {head} for head in superiors):
            groups.append(BeneficialGroup(owner, tuple(sorted(members))))
    return groups
