"""What two readers could read differently is refused."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipledger.refusals import Refused
from chipledger.strict_json import parse_object

KB = 1024


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b'{"a":1,"a":1}', "json_duplicate_key"),
        (b'{"a":[{"b":{"c":1,"c":2}}]}', "json_duplicate_key"),
        (b'{"a":1,"\\u0061":2}', "json_duplicate_key"),
        (b'{"a":1.0}', "json_float"),
        (b'{"a":1e3}', "json_float"),
        (b'{"a":NaN}', "json_float"),
        (b'{"a":-Infinity}', "json_float"),
        (b'{"a":9007199254740992}', "json_integer_too_large"),
        (b'{"a":' + b"9" * 5000 + b"}", "json_integer_too_large"),
        (b"[]", "json_not_an_object"),
        (b'"a"', "json_not_an_object"),
        (b'\xef\xbb\xbf{"a":1}', "json_bom"),
        ('{"a":1}'.encode("utf-16"), "json_bom"),
        (b'{"a":"\xff"}', "json_not_utf8"),
        (b'{"a":"\xed\xa0\x80"}', "json_not_utf8"),
        (b'{"a":"\\ud800"}', "json_lone_surrogate"),
        (b'{"\\uDFFF":1}', "json_lone_surrogate"),
        (b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", "json_too_deep"),
        (b'{"a":' * 100_000, "json_too_deep"),
        (b'{"a":1', "json_malformed"),
        (b'{"a":1}{}', "json_malformed"),
        (b'{"a":"\n"}', "json_malformed"),
        (b"", "json_malformed"),
        (b'{"a":"' + b"x" * 600 * KB + b'"}', "json_too_large"),
    ],
)
def test_what_readers_disagree_on_is_refused(text: bytes, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        parse_object(text, max_bytes=500 * KB if code == "json_too_large" else 1000 * KB)
    assert refusal.value.code == code


def test_the_duplicate_member_is_named() -> None:
    with pytest.raises(Refused) as refusal:
        parse_object(b'{"chips":{"serial":"1","serial":"2"}}', max_bytes=KB)
    assert refusal.value.field == "serial"


def test_what_everybody_reads_alike_is_accepted() -> None:
    text = b'{"a":-9007199254740991,"b":"\\ud83d\\ude00","c":' + b"[" * 31 + b"]" * 31 + b"}"
    found = parse_object(text, max_bytes=KB)
    assert found["a"] == 1 - 2**53
    assert found["b"] == "😀"


_values = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), _values, max_size=5))
def test_every_plain_object_survives(members: dict[str, object]) -> None:
    assert parse_object(json.dumps(members).encode(), max_bytes=1000 * KB) == members


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_and_never_crash(data: bytes) -> None:
    with suppress(Refused):
        assert isinstance(parse_object(data, max_bytes=KB), dict)
