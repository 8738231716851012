"""The proof that the browser checks itself: it holds for what is in the log, and for nothing that was tampered with."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from chipledger import base64s, merkle
from chipledger.keys import Algorithm, PrivateKey
from chipledger.notes import Checkpoint as CheckpointBody
from chipledger.notes import NoteKey, sign_checkpoint
from chipledger.statements.tracking import ChipsLost
from ledger import door, log
from ledger.bundles import bundle_of
from ledger.integrator import integrate
from ledger.log_key import note_key
from ledger.models import Statement
from tests.people import Scene, person_of
from tests.world import World

Enter = Callable[..., Page]
EVERY_CASE = """async ({ url, cases }) => {
  const proof = await import(url);
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const wrong = [];
  for (const [name, number, size, first, last, list] of cases) {
    const [one, root, path] = [bytes(first), bytes(last), list.map(bytes)];
    const other = bytes(first);
    other[5] ^= 1;
    const holds = async (one, root, path) => {
      const proved = name === "verifyInclusion"
        ? proof.verifyInclusion(one, number, size, path, root)
        : proof.verifyConsistency({ size: number, root: one }, { size, root }, path);
      return proved.then(() => true, () => false);
    };
    const note = (what) => wrong.push([what, name, number, size]);
    if (!(await holds(one, root, path))) note("true proof refused");
    if (await holds(other, root, path)) note("other leaf");
    if (await holds(one, other, path)) note("other root");
    if (await holds(one, root, [...path, other])) note("longer path");
    if (path.length && (await holds(one, root, path.slice(1)))) note("shorter path");
    if (path.length && (await holds(one, root, [other, ...path.slice(1)]))) note("other path");
  }
  return wrong;
}"""


def of_kind(kind: str) -> Statement:
    return Statement.objects.filter(kind=kind).latest("pk")


def open_statement(page: Page, statement: Statement) -> None:
    page.goto(f"/statements/{bytes(statement.digest).hex()}/")


def verdict(page: Page) -> str:
    """Press the button and read what the browser says in the end."""
    page.get_by_role("button", name="Verify", exact=True).click()
    said = page.locator(".verify [role=status]")
    expect(said).to_contain_text("hold")
    return said.inner_text()


@pytest.mark.browser
def test_the_browser_verifies_every_kind_of_entry_and_then_that_the_log_only_grew(
    world: World, enter: Enter
) -> None:
    scene = Scene(world)
    page = enter(person_of(world.regulator).email)
    for kind in ("transfer.dispatched", "transfer.received", "organisation.admitted", "ledger.founded"):
        open_statement(page, of_kind(kind))
        assert verdict(page) == "All of it holds.", page.locator(".verify ol").inner_text()
    world.submit(
        ChipsLost,
        by=world.operator,
        site="dc-1",
        happened_at=door.now(),
        chips=scene.chips[2:3],
        reason="not_in_rack",
    )
    integrate()
    open_statement(page, of_kind("chips.lost"))
    assert verdict(page) == "All of it holds."
    expect(page.locator(".verify ol")).to_contain_text("It is the key that you pinned.")
    expect(page.locator(".verify ol")).to_contain_text("unchanged")
    page.goto("/log/")
    assert verdict(page) == "All of it holds."
    for kind in ("chips.lost", "organisation.admitted"):  # a bare commitment, and an entry in full
        page.goto(f"/log/entries/{of_kind(kind).entry.position}/")
        assert verdict(page) == "All of it holds.", page.locator(".verify ol").inner_text()
    page.locator("[data-entry]").last.evaluate(
        "shown => { shown.textContent = shown.textContent.replace('a', 'b'); }"
    )
    assert verdict(page) == "This does not hold. Do not rely on it."


def answer_with(body: str) -> Callable[[Route], None]:
    """What a server that lies would send."""

    def answer(route: Route) -> None:
        route.fulfill(body=body)

    return answer


def tamper_payload(bundle: dict[str, Any]) -> None:
    envelope = json.loads(base64.b64decode(bundle["items"][0]["envelope"]))
    payload = base64.b64decode(envelope["payload"]).replace(b"A0001-7", b"A0001-8")
    envelope["payload"] = base64s.encode(payload)
    bundle["items"][0]["envelope"] = base64s.encode(json.dumps(envelope).encode())


def tamper_signature(bundle: dict[str, Any]) -> None:
    envelope = json.loads(base64.b64decode(bundle["items"][0]["envelope"]))
    signature = bytearray(base64.b64decode(envelope["signatures"][0]["sig"]))
    signature[-1] ^= 1
    envelope["signatures"][0]["sig"] = base64s.encode(bytes(signature))
    bundle["items"][0]["envelope"] = base64s.encode(json.dumps(envelope).encode())


def tamper_path(bundle: dict[str, Any]) -> None:
    lines = bundle["items"][0]["receipt"].split("\n")
    lines[2] = base64s.encode(b"\x07" * 32)
    bundle["items"][0]["receipt"] = "\n".join(lines)


def tamper_position(bundle: dict[str, Any]) -> None:
    receipt = bundle["items"][0]["receipt"]
    index = int(receipt.split("\n")[1].removeprefix("index "))
    bundle["items"][0]["receipt"] = receipt.replace(f"index {index}", f"index {index - 1}", 1)


def tamper_time(bundle: dict[str, Any]) -> None:
    bundle["items"][0]["accepted_at"] = "2020-01-01T00:00:00Z"


def tamper_root(bundle: dict[str, Any]) -> None:
    head, _, note = bundle["items"][0]["receipt"].partition("\n\n")
    lines = note.split("\n")
    lines[2] = base64s.encode(b"\x07" * 32)
    bundle["items"][0]["receipt"] = head + "\n\n" + "\n".join(lines)


def drop_keys(bundle: dict[str, Any]) -> None:
    """A key that no statement of the log entered before it signed."""
    for key in bundle["keys"]:
        key.update({name: bundle["keys"][0][name] for name in ("envelope", "accepted_at", "receipt")})


@pytest.mark.browser
def test_the_browser_never_says_that_tampered_evidence_holds(world: World, enter: Enter) -> None:
    Scene(world)
    page = enter(person_of(world.regulator).email)
    statement = of_kind("chips.lost")
    open_statement(page, statement)
    sound = bundle_of([statement]).to_json()
    said = {
        tamper_payload: "another text",
        tamper_signature: "does not fit the text",
        tamper_path: "does not lead to the root",
        tamper_position: "path",
        tamper_time: "does not lead to the root",
        tamper_root: "not the log's",
        drop_keys: "The keys: does not hold",
    }
    for tamper, reason in said.items():
        bundle = json.loads(sound)
        tamper(bundle)
        page.unroute("**/evidence/")
        page.route("**/evidence/", answer_with(json.dumps(bundle)))
        assert verdict(page) == "This does not hold. Do not rely on it.", tamper.__name__
        expect(page.locator(".verify li.fails")).to_contain_text(reason)
    page.unroute("**/evidence/")
    assert verdict(page) == "All of it holds."
    page.evaluate("document.querySelector('.paper-bytes pre').textContent += ' '")
    assert verdict(page) == "This does not hold. Do not rely on it."


@pytest.mark.browser
def test_the_browser_notices_another_key_and_a_log_with_two_histories(world: World, enter: Enter) -> None:
    Scene(world)
    page = enter(person_of(world.regulator).email)
    open_statement(page, of_kind("chips.lost"))
    other = PrivateKey.generate(Algorithm.ED25519)
    other_key = NoteKey(log.origin(), other.public).vkey
    own_key = page.get_by_label("The log's key")
    own_key.fill(other_key)
    assert verdict(page) == "This does not hold. Do not rely on it."
    expect(page.locator(".verify li.fails")).to_contain_text("did not sign this checkpoint")
    own_key.fill(note_key().vkey)
    assert verdict(page) == "All of it holds."
    own_key.fill(other_key)
    assert verdict(page) == "This does not hold. Do not rely on it."
    expect(page.locator(".verify li.fails")).to_contain_text("not the key that you pinned")
    page.get_by_role("button", name="Forget the pinned key").click()

    # This browser once saw, under a key it trusts, a log of the same size with another root.
    newest = log.latest_checkpoint()
    assert newest is not None
    fork = sign_checkpoint(CheckpointBody(log.origin(), newest.size, b"\x07" * 32), log.origin(), other)
    true = sign_checkpoint(CheckpointBody(log.origin(), newest.size, bytes(newest.root)), log.origin(), other)
    page.goto("/log/")
    page.evaluate(
        "([vkey, note]) => localStorage.setItem('chipledger.log', JSON.stringify({ vkey, note }))",
        [other_key, fork],
    )
    page.reload()
    expect(page.locator(".verify [role=status]")).to_contain_text("another key than the one that you pinned")
    page.route("**/log/checkpoint", answer_with(true))
    own_key.fill(other_key)
    assert verdict(page) == "This does not hold. Do not rely on it."
    expect(page.locator(".verify li.fails")).to_contain_text("different roots")


@pytest.mark.browser
def test_the_browsers_proofs_agree_with_ours_for_every_size_of_a_small_log(
    world: World, enter: Enter
) -> None:
    page = enter(person_of(world.regulator).email)
    page.goto("/log/")
    loaded = page.evaluate("performance.getEntriesByType('resource').map((each) => each.name)")
    url = next(name for name in loaded if "log_proof" in name)
    leaves = [merkle.leaf_hash(bytes([number])) for number in range(11)]

    def node(level: int, index: int) -> bytes:
        return merkle.root_of(leaves[index << level : (index + 1) << level])

    cases = []
    for size in range(1, 12):
        root = merkle.root_of(leaves[:size])
        for index in range(size):
            path = merkle.inclusion_proof(node, index, size)
            cases.append(("verifyInclusion", index, size, leaves[index], root, path))
        for old in range(1, size + 1):
            path = merkle.consistency_proof(node, old, size)
            cases.append(("verifyConsistency", old, size, merkle.root_of(leaves[:old]), root, path))
    args = [
        [
            name,
            number,
            size,
            base64s.encode(one),
            base64s.encode(root),
            [base64s.encode(each) for each in path],
        ]
        for name, number, size, one, root, path in cases
    ]
    assert page.evaluate(EVERY_CASE, {"url": url, "cases": args}) == []
