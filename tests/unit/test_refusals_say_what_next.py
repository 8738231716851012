"""Every refusal says why and what to do next: its sentence, read out of the code, holds an instruction."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest

HERE: Final = Path(__file__).parents[2]
ROOMS: Final = {each.parent.name for each in HERE.glob("*/__init__.py")} - {"bench", "tests"}
SENTENCE_AT: Final = {
    "Refused": 1,
    "_Fault": 1,
    "_bad": 0,
    "_bad_date": 0,
    "_ground": 1,
    "FieldRule": 3,
    "ValidationError": 0,
    "add": 4,
    "add_error": 1,
    "check_names": 1,
    "holder_refusal": 1,
}
"""Whoever is called with a sentence that becomes a refusal's, and the place of that sentence among the arguments."""

IN_SCHEMAS: Final = "chipledger/statements/"
"""Where a ValueError becomes a refusal: a schema's validators raise it."""


def _listed(prose: str) -> frozenset[str]:
    return frozenset(re.split(r",\s+", prose.strip()))


VERBS: Final = _listed(
    """
    accept, add, admit, ask, begin, check, choose, collect, copy, correct, count, declare, delete, drop, empty,
    encode, end, export, fetch, file, follow, give, have, leave, let, load, look, lower, make, name, narrow, nest,
    place, prepare, register, reject, rename, revoke, rotate, save, see, send, separate, set, shorten, sign, split,
    start, switch, take, try, upload, use, vet, widen, write
    """
)
"""The verbs that tell somebody what to do, where they stand before one of OBJECTS."""

OBJECTS: Final = _listed(
    """
    a, again, an, anew, another, at least, at most, each, fewer, it, its, less, one, once, only, the, their, them,
    this, those, today, what
    """
)
"""What makes a verb an imperative: “Name it” says what to do, and “Name taken” does not."""

PHRASES: Final = _listed(
    """
    ask for, ask yours, choose from, choose scopes, give --envelope, go on, leave `previous` out, leave that to,
    let expires_at, lift that, look at, make somebody, name sizes, name that day, name that instant, name that one,
    say of each, say that, say true, say what, see on its, see statement, see that, see which, see {}, send 1,
    sign for, sign in, sign or discard, sign with, sort `chips`, sort this, take away, use https, wait until,
    write countries, write others, write {}
    """
)
"""Imperatives that stand before something else."""

_BEGINS: Final = r"(?:^|[.;:] |, or |\bplease )"
_IMPERATIVE: Final = re.compile(
    rf"{_BEGINS}(?:(?:{'|'.join(sorted(VERBS))}) (?:{'|'.join(sorted(OBJECTS))})\b"
    rf"|(?:{'|'.join(re.escape(phrase) for phrase in sorted(PHRASES))})(?!\w))",
    re.IGNORECASE,
)
PASSED_ON: Final = frozenset(
    {
        "ROW_TOO_LONG",
        "refusal.sentence",
        "refused.sentence",
        "rule.sentence",
        "self.sentence",
        "sentence",
        "f'Step {number} ({STEPS[number - 1]}) failed: {refused.sentence}'",
        "f'The claims cannot be read. {refused.sentence}'",
        # Words that Django, pydantic or the server at the other end have chosen.
        "' '.join(error.messages)",
        "str(errors[0])",
        "str(exc.detail)",
        "str(problem.get('title', 'The server refused without saying why; ask its operator.'))",
        "job.problem['title']",
    }
)
"""What is said in another's words, which are held where they are written."""


@dataclass(frozen=True)
class Said:
    """A sentence, with a pair of braces for each value in it; None when its words are not written here."""

    place: str
    code: str
    text: str | None


def says_what_next(sentence: str) -> bool:
    """Whether a sentence holds an instruction."""
    return _IMPERATIVE.search(sentence) is not None


def sentences_in(source: str, *, path: str) -> Iterator[Said]:
    """Every sentence of a module that is refused with, each branch of it by itself."""
    tree = ast.parse(source)
    for scope in (tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))):
        for call in _calls_of(scope):
            for said in _sentences_of(call, in_schema=path.startswith(IN_SCHEMAS)):
                for text in _texts(said, scope, tree):
                    yield Said(f"{path}:{call.lineno}", ast.unparse(said), text)


def _sentences_of(call: ast.Call, *, in_schema: bool) -> Iterator[ast.expr]:
    """What a call says by its place, by its name, or as a field's own words for what Django finds wrong."""
    name = _name_of(call)
    place = 0 if in_schema and name == "ValueError" else SENTENCE_AT.get(name)
    if place is not None and place < len(call.args):
        yield call.args[place]
    for keyword in call.keywords:
        if (place is not None and keyword.arg in {"sentence", "message"}) or (
            keyword.arg == "error_messages"
        ):
            yield keyword.value


def _calls_of(scope: ast.Module | ast.FunctionDef) -> Iterator[ast.Call]:
    """The calls of a scope without those of the functions inside it."""
    waiting: list[ast.AST] = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef):
            continue
        if isinstance(node, ast.Call):
            yield node
        waiting += ast.iter_child_nodes(node)


def _name_of(call: ast.Call) -> str:
    called = call.func
    return (
        called.attr
        if isinstance(called, ast.Attribute)
        else called.id
        if isinstance(called, ast.Name)
        else ""
    )


def _texts(node: ast.expr, scope: ast.Module | ast.FunctionDef, tree: ast.Module) -> Iterator[str | None]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=[*_, ast.FormattedValue(value=ast.Attribute(attr="sentence"))]):
            yield None
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
        case ast.Dict(values=values):
            for value in values:
                yield from _texts(value, scope, tree)
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one, scope, tree)
            yield from _texts(other, scope, tree)
        case ast.Name(id=name):
            found = _assigned(name, scope) or _assigned(name, tree)
            for value in found:
                yield from _texts(value, scope, tree)
            if not found:
                yield None
        case _:
            yield None


def _assigned(name: str, scope: ast.Module | ast.FunctionDef) -> list[ast.expr]:
    """What a name is set to in a scope, wherever it is set."""
    found = []
    for node in ast.walk(scope) if isinstance(scope, ast.FunctionDef) else scope.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                found.append(value)
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) if target == name:
                found.append(value)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                found += [
                    value for each, value in zip(names, values, strict=True) if ast.unparse(each) == name
                ]
    return found


@cache
def _all() -> tuple[Said, ...]:
    return tuple(
        said
        for room in sorted(ROOMS)
        for path in sorted((HERE / room).rglob("*.py"))
        if "migrations" not in path.parts
        for said in sentences_in(path.read_text(), path=str(path.relative_to(HERE)))
    )


def test_every_refusal_says_what_to_do_next() -> None:
    assert [
        f"{said.place} {said.text}"
        for said in _all()
        if said.text is not None and not says_what_next(said.text)
    ] == []


def test_only_what_is_said_in_anothers_words_is_exempt() -> None:
    assert {said.code for said in _all() if said.text is None} == PASSED_ON


def test_the_walk_meets_the_refusals_of_every_room_that_has_some() -> None:
    assert len(_all()) > 400
    assert {said.place.partition("/")[0] for said in _all()} == ROOMS - {"simulator", "config"}


def test_no_word_is_kept_that_no_refusal_uses() -> None:
    told = {
        re.sub(rf"^{_BEGINS}", "", match[0].lower())
        for said in _all()
        for match in _IMPERATIVE.finditer(said.text or "")
    }
    before = {instruction.partition(" ") for instruction in told - PHRASES}
    assert told & PHRASES == PHRASES
    assert {verb for verb, _, _ in before} == VERBS
    assert {found for _, _, found in before} == OBJECTS


@pytest.mark.parametrize(
    "source",
    [
        'raise Refused("torn", "The bundle is torn.")',
        'raise Refused("known", f"This key, {key}, is registered already.", field="key")',
        'raise Refused("long", "A label has 1 to 80 characters, " "and no more.")',
        'raise Refused("see", "Nobody can see this any more; it was written and signed long ago.")',
        'raise Refused("one", "Sign anew." if late else "It is too early.")',
        'TORN: Final = "The bundle is torn."\ndef f():\n    raise Refused("torn", TORN)',
        'def f():\n    sentence = "The bundle is torn."\n    return Refused("torn", sentence)',
        'def f():\n    code, sentence = "torn", "The bundle is torn."\n    return Refused(code, sentence)',
        'faults.add(1, "row", row, "not_utf8", "The row is not UTF-8.")',
        'raise forms.ValidationError("This day is still to come.")',
        'raise Refused(code="torn", sentence="The bundle is torn.")',
        'form.add_error(None, "The bundle is torn.")',
        'def clean(self):\n    self.add_error(field, "The bundle is torn.")',
        'raise ValueError("The bundle is torn.")',
        'forms.RegexField("^a$", error_messages={"required": "Give a code.", "invalid": "A code has letters."})',
    ],
)
def test_a_refusal_that_says_only_why_would_fail(source: str) -> None:
    said = [each.text for each in sentences_in(source, path=f"{IN_SCHEMAS}bad.py")]
    assert said
    assert not all(text is not None and says_what_next(text) for text in said)


@pytest.mark.parametrize(
    "sentence",
    [
        "Name taken.",
        "Count differs.",
        "Start after end.",
        "The shipment is late, and place of it unknown.",
        "The chips are yours, and have ended.",
        "There are two copies; name and place are the same.",
    ],
)
def test_a_verb_that_tells_nobody_what_to_do_is_no_instruction(sentence: str) -> None:
    assert not says_what_next(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Give a label of 1 to 80 characters.",
        "The bundle is torn; fetch it anew.",
        "This key ended. Sign with another.",
        "The server failed. Nothing was booked; please try again.",
        "This page has been open too long. Load it again, then send it once more.",
        "An application is open; wait, or choose another handle.",
    ],
)
def test_a_refusal_that_says_what_to_do_next_passes(sentence: str) -> None:
    assert says_what_next(sentence)
