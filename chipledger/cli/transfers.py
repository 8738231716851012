"""``chipledger dispatch`` and ``receive``: the two signatures of a hand-over."""

from __future__ import annotations

import argparse
from typing import get_args

from chipledger.cli.chips import add_selection, selection_of
from chipledger.cli.filing import build, file_statement
from chipledger.cli.options import Verbs, add_signing, add_verb, common_of, instant, read_keys, to_millisecond
from chipledger.cli.output import Output
from chipledger.refusals import Refused
from chipledger.statements.tracking import Reason, Swap, TransferDispatched, TransferReceived, Why


def add_to(verbs: Verbs) -> None:
    verb = add_verb(verbs, "dispatch", _dispatch, help="hand chips over to a consignee, or to another site")
    add_selection(verb)
    verb.add_argument("--from-site", required=True)
    verb.add_argument("--consignee", required=True, help="handle of the receiving organisation")
    verb.add_argument("--to-site", required=True)
    verb.add_argument("--estimated-arrival", type=instant, required=True)
    verb.add_argument("--dispatched-at", type=instant, help="default: now")
    verb.add_argument("--carrier")
    verb.add_argument("--waybill")
    add_signing(verb)

    verb = add_verb(verbs, "receive", _receive, help="sign for a dispatch, with the differences found")
    verb.add_argument("dispatch", help="digest of the dispatch")
    verb.add_argument("--received-at", type=instant, help="default: now")
    verb.add_argument(
        "--accept", action="append", metavar="CHIP", help="take over only these (default: all the rest)"
    )
    for name, meaning in (
        ("short", "expected and not there"),
        ("over", "there and not expected"),
        ("damaged", "taken over damaged"),
    ):
        verb.add_argument(f"--{name}", action="append", default=[], metavar="CHIP", help=meaning)
    verb.add_argument(
        "--swapped", action="append", default=[], metavar="EXPECTED=FOUND", help="another chip in its place"
    )
    verb.add_argument(
        "--why",
        action="append",
        default=[],
        metavar="CHIP=REASON",
        help=f"why a chip is in one of these sets: {', '.join(get_args(Why))}",
    )
    add_signing(verb)


def _dispatch(options: argparse.Namespace, out: Output) -> None:
    keys = read_keys(options)
    common = common_of(options, keys)
    with selection_of(options) as selection:
        members = common | {
            "from_site": options.from_site,
            "consignee": options.consignee,
            "to_site": options.to_site,
            "dispatched_at": to_millisecond(options.dispatched_at or options.issued_at),
            "estimated_arrival": options.estimated_arrival,
            "carrier": options.carrier,
            "waybill": options.waybill,
        }
        payload = build(TransferDispatched, members | selection)
        file_statement(options, payload, keys, out, source=options.chips)


def _receive(options: argparse.Namespace, out: Output) -> None:
    keys = read_keys(options)
    members = common_of(options, keys) | {
        "dispatch": options.dispatch,
        "received_at": to_millisecond(options.received_at or options.issued_at),
        "accepted": options.accept,
        "accepted_all": options.accept is None,
        "short": options.short,
        "over": options.over,
        "damaged": options.damaged,
        "swapped": [_swap(text) for text in options.swapped],
        "reasons": [_reason(text) for text in options.why],
    }
    file_statement(options, build(TransferReceived, members), keys, out)


def _swap(text: str) -> Swap:
    expected, equals, found = text.partition("=")
    if not equals:
        raise Refused("bad_field", "Write a swap as EXPECTED=FOUND.", field="swapped", value=text)
    return Swap.model_construct(expected=expected, found=found)


def _reason(text: str) -> Reason:
    chip, equals, why = text.partition("=")
    if not equals:
        raise Refused("bad_field", "Write a reason as CHIP=REASON.", field="why", value=text)
    return Reason.model_construct(chip=chip, why=why)  # type: ignore[arg-type] # parsed with the payload, and refused there
