"""Locking the chips a holder speaks about, and refusing each one that it does not hold as the statement says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Final

from django.db import connection

from chipledger.refusals import Refused
from ledger.handlers import B, Filing, rows_refused
from registry.models import Site
from tracking.actions.staging import STAGED, Parameters, count_staged
from tracking.models import Account, AccountKind
from tracking.queries.near_matches import suggest

AT_ONCE: Final = 1000


def lock_own_chips(
    filing: Filing[B], *, kinds: frozenset[AccountKind], site: Site | None, installed: bool | None = None
) -> None:
    """Lock the staged chips in the order of their numbers, and refuse those not on such an account of the signer.

    ``site`` None means any; ``installed`` says whether they must be in service. Only the signer's own chips are
    locked, so that nobody can hold up a stranger's.
    """
    own = {account.pk: account for account in Account.objects.filter(organisation=filing.signer.pk)}
    fits = {
        pk for pk, each in own.items() if each.kind in kinds and (site is None or each.site_id == site.pk)
    }
    held = _lock(list(own))
    wrong = any(pk not in fits or installed not in (None, there) for pk, there, _ in held)
    if not wrong and sum(quantity for _, _, quantity in held) == count_staged():
        return
    reject_all(filing, _name_faults(filing, kinds=kinds, site=site, installed=installed))
    # A chip came or went between the lock and the look for faults; nothing is wrong with the statement.
    raise Refused(
        "try_again", "These chips are being moved at this moment; send the statement again.", status=409
    )


def reject_all(filing: Filing[B], faults: Iterable[Refused]) -> None:
    """Reject every faulty row, then the statement; returns only when there was none."""
    total = 0
    for fault in faults:
        filing.reject(fault)
        total += 1
    if total:
        raise rows_refused(total)


def read_rows(query: str, parameters: Parameters) -> Iterator[tuple[object, ...]]:
    """The rows of a query, a thousand at a time, however many there are; inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"DECLARE faulty NO SCROLL CURSOR FOR {query}", parameters)
        while True:
            cursor.execute(f"FETCH {AT_ONCE} FROM faulty")
            rows = cursor.fetchall()
            if not rows:
                break
            yield from rows
        cursor.execute("CLOSE faulty")


def not_held(names: list[tuple[int, str]], *, by: Filing[B], mine: bool) -> Iterator[Refused]:
    """The refusals of chips that the signer does not hold: the same whether they exist or not.

    Only a maker learns that a serial is unknown, of its own, which it knows anyway. ``mine`` looks for near matches.
    """
    near = suggest((name for _, name in names), holder=by.signer.pk) if mine else {}
    made = {name.partition("/")[2] for _, name in names if name.partition("/")[0] == by.signer.handle}
    unknown = made - _registered(made, maker=by.signer.pk)
    for row, name in names:
        hint = f" Did you mean {near[name]}?" if name in near else ""
        maker, _, serial = name.partition("/")
        if maker == by.signer.handle and serial in unknown:
            yield Refused(
                "unknown_serial",
                f"You never registered this serial; register it first, or correct it.{hint}",
                row=row,
                field="chip",
                value=name,
            )
        else:
            yield Refused(
                "not_holder",
                f"You do not hold this chip; leave it out, or correct its name.{hint}",
                row=row,
                field="chip",
                value=name,
                status=403,
            )


def _lock(accounts: list[int]) -> list[tuple[int, bool, int]]:
    """How many of the staged chips are on which account, and whether in service; all locked until the commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT account_id, installed, count(*) FROM (
                    SELECT holding.account_id, holding.installed_at IS NOT NULL AS installed
                    FROM tracking_holding holding JOIN {STAGED} staged ON staged.chip_id = holding.chip_id
                    WHERE holding.account_id = ANY(%s) ORDER BY holding.chip_id FOR NO KEY UPDATE OF holding) locked
                GROUP BY account_id, installed""",
            [accounts],
        )
        return list(cursor.fetchall())


def _name_faults(
    filing: Filing[B], *, kinds: frozenset[AccountKind], site: Site | None, installed: bool | None
) -> Iterator[Refused]:
    """What is wrong with each staged chip, as the book is now: it may have gone to an account just made."""
    rows = read_rows(
        f"""SELECT staged.row, staged.name, own.kind, own.site_id, holding.installed_at IS NOT NULL
            FROM {STAGED} staged
            LEFT JOIN (tracking_holding holding JOIN tracking_account own
                       ON own.id = holding.account_id AND own.organisation_id = %s)
              ON holding.chip_id = staged.chip_id
            WHERE own.id IS NULL OR own.kind <> ALL(%s) OR own.site_id <> %s::bigint
               OR %s::boolean <> (holding.installed_at IS NOT NULL)
            ORDER BY staged.row""",
        [filing.signer.pk, [str(kind) for kind in kinds], None if site is None else site.pk, installed],
    )
    first = True
    while batch := list(islice(rows, AT_ONCE)):
        strange = [(int(str(row)), str(name)) for row, name, kind, _, _ in batch if kind is None]
        yield from not_held(strange, by=filing, mine=first)
        for row, name, kind, site_id, there in batch:
            if kind is not None:
                code, sentence = _wrong_place(
                    AccountKind(str(kind)),
                    fits=kind in kinds,
                    elsewhere=site is not None and site_id != site.pk,
                    there=bool(there),
                )
                yield Refused(code, sentence, row=int(str(row)), field="chip", value=str(name), status=409)
        first = False


def _wrong_place(kind: AccountKind, *, fits: bool, elsewhere: bool, there: bool) -> tuple[str, str]:
    if not fits:
        return kind.value, f"This chip is {kind.label.lower()} in the book; leave it out."
    if elsewhere:
        return "at_another_site", "You hold this chip at another site; leave it out, or name that site."
    return (
        ("installed", "This chip is in service; leave it out, or take it out of service first.")
        if there
        else ("not_installed", "This chip is not in service; leave it out.")
    )


def _registered(serials: Collection[str], *, maker: int) -> set[str]:
    """Those of these serials that the maker has registered, in one query for all."""
    if not serials:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT serial FROM registry_chip WHERE maker_id = %s AND serial = ANY(%s)",
            [maker, list(serials)],
        )
        return {serial for (serial,) in cursor.fetchall()}
