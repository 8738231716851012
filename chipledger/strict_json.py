"""Strict JSON, for bytes that somebody signed or sent. What two readers could read differently is refused."""

from __future__ import annotations

import json
from typing import Final, NoReturn

from chipledger.refusals import Refused

MAX_SAFE_INTEGER: Final = 2**53 - 1
"""The largest integer every JSON reader agrees on (RFC 8259 §6)."""

MAX_DEPTH: Final = 32

_BOMS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def parse_object(data: bytes, *, max_bytes: int) -> dict[str, object]:
    """Read one JSON object, or refuse it with the reason.

    Refuses: more than ``max_bytes``, a byte order mark, invalid UTF-8, duplicate keys at any depth, floats and NaN,
    integers beyond 2^53-1, lone surrogates, nesting deeper than 32, and a top level that is no object.
    """
    if len(data) > max_bytes:
        raise Refused(
            "json_too_large", f"The JSON text is longer than {max_bytes} bytes; shorten it.", status=413
        )
    if data.startswith(_BOMS):
        raise Refused("json_bom", "The JSON text starts with a byte order mark; leave it out.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(
            "json_not_utf8", f"The JSON text is not UTF-8 at byte {error.start}; write it in that encoding."
        ) from None
    try:
        found = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Refused(
            "json_malformed", f"This is not JSON: {error.msg} at character {error.pos}. Correct it there."
        ) from None
    except RecursionError:
        raise _too_deep() from None
    if not isinstance(found, dict):
        raise Refused("json_not_an_object", "Write the JSON text as one object.")
    # Fewer brackets than levels cannot be too deep; flat payloads skip the walk.
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH:
        _check_depth(found)
    if b"\\ud" in data or b"\\uD" in data:
        _check_surrogates(found)
    return found


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                # The name may itself carry a lone surrogate, which no page or log could print.
                shown = name.encode("utf-8", "replace").decode("utf-8")
                raise Refused(
                    "json_duplicate_key",
                    f"The member “{shown[:80]}” appears twice; leave one out.",
                    field=shown[:80],
                )
            seen.add(name)
    return members


def _integer(digits: str) -> int:
    # 17 characters hold every safe integer and its sign; longer texts are never converted.
    if len(digits) > 17 or abs(value := int(digits)) > MAX_SAFE_INTEGER:
        raise Refused(
            "json_integer_too_large",
            "Integers beyond 2^53-1 are not allowed; write a smaller one.",
            value=digits[:40],
        )
    return value


def _no_float(digits: str) -> NoReturn:
    raise Refused(
        "json_float",
        "Numbers with a fraction or exponent are not allowed; write a whole number.",
        value=digits[:40],
    )


def _no_constant(name: str) -> NoReturn:
    raise Refused("json_float", "NaN and Infinity are not allowed; write a whole number.", value=name)


def _too_deep() -> Refused:
    return Refused(
        "json_too_deep", f"The JSON text is nested more than {MAX_DEPTH} levels deep; nest it less."
    )


def _check_depth(found: dict[str, object]) -> None:
    level: list[object] = [found]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for container in level:
            members = container.values() if isinstance(container, dict) else container
            below += [member for member in members if type(member) is dict or type(member) is list]  # type: ignore[attr-defined]
        if not below:
            return
        level = below
    raise _too_deep()


def _check_surrogates(found: dict[str, object]) -> None:
    try:
        json.dumps(found, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise Refused(
            "json_lone_surrogate",
            "The JSON text contains half of a surrogate pair; write the whole character.",
        ) from None


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_no_float, parse_constant=_no_constant
)
