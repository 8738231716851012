// "Verify in this browser": runs the steps of both proofs, says of each whether it holds, and remembers which key the
// person pinned and the newest checkpoint that this browser has seen, so that a log cannot show two histories unnoticed.

import {
  DoesNotHold,
  entrySteps,
  parseHashes,
  parseVkey,
  verifyCheckpoint,
  verifyConsistency,
} from "./log_proof.js";
import { statementSteps } from "./statement_proof.js";

const MEMORY = "chipledger.log";

function recall() {
  try {
    return JSON.parse(localStorage.getItem(MEMORY)) ?? {};
  } catch {
    return {};
  }
}

function remember(vkey, note) {
  try {
    localStorage.setItem(MEMORY, JSON.stringify({ vkey, note }));
    return true;
  } catch {
    return false;
  }
}

async function fetchText(url) {
  let answer;
  try {
    answer = await fetch(url, { cache: "no-store", credentials: "same-origin" });
  } catch {
    throw new DoesNotHold("The server did not answer. Try again when it does.");
  }
  if (!answer.ok) throw new DoesNotHold(`The server did not give what is needed to check this (${answer.status}).`);
  return answer.text();
}

// The log may have grown since either note was made: whichever is older must be contained in the other.
async function growth(checkpoint, memory, vkey, url) {
  if (!memory.note) return "This is the first checkpoint that this browser has seen; the next is compared with it.";
  const seen = await verifyCheckpoint(memory.note, vkey);
  const [older, newer] = BigInt(seen.size) <= BigInt(checkpoint.size) ? [seen, checkpoint] : [checkpoint, seen];
  let proof = [];
  if (older.size !== newer.size) {
    const text = await fetchText(`${url}?old=${older.size}&new=${newer.size}`);
    proof = parseHashes(text.split("\n").filter(Boolean));
  }
  await verifyConsistency(older, newer, proof);
  return `The log of ${newer.size} entries contains the one of ${older.size} entries, unchanged. One of the two is the last this browser saw.`;
}

function newest(checkpoint, memory, vkey) {
  if (!memory.note) return checkpoint.note;
  return verifyCheckpoint(memory.note, vkey).then((seen) =>
    BigInt(seen.size) > BigInt(checkpoint.size) ? memory.note : checkpoint.note,
  );
}

function say(list, title, sentence, holds) {
  const item = document.createElement("li");
  item.className = holds ? "holds" : "fails";
  const head = document.createElement("strong");
  head.textContent = `${title}: ${holds ? "holds" : "does not hold"}. `;
  item.append(head, sentence);
  list.append(item);
}

// The bytes of an entry as its page shows them: hexadecimal, then the text of the envelope where there is one.
function shownEntry() {
  const [head, envelope] = document.querySelectorAll("[data-entry]");
  const bytes = head.textContent.match(/../g).map((pair) => Number.parseInt(pair, 16));
  return Uint8Array.of(...bytes, ...new TextEncoder().encode(envelope?.textContent ?? ""));
}

async function stepsFor(place, vkey) {
  const { bundle, digest, checkpoint, receipt, position } = place.dataset;
  if (bundle) {
    const shown = document.querySelector(".paper-bytes pre").textContent;
    return statementSteps({ text: await fetchText(bundle), digest, shown, vkey });
  }
  if (receipt) return entrySteps({ entry: shownEntry(), position, receipt: await fetchText(receipt), vkey });
  const note = await fetchText(checkpoint);
  let found;
  return [
    {
      title: "The checkpoint",
      async run() {
        found = await verifyCheckpoint(note, vkey);
        return `${vkey.name} signed, with the key above, that its log has ${found.size} entries and this root.`;
      },
      checkpoint: () => found,
    },
  ];
}

async function verify(place, list, typed) {
  const memory = recall();
  let title = "The log's key";
  try {
    const vkey = await parseVkey(typed);
    if (memory.vkey && memory.vkey !== vkey.text) {
      throw new DoesNotHold("This is not the key that you pinned. Ask the log's operator, by another way, why it changed.");
    }
    say(list, title, memory.vkey ? "It is the key that you pinned." : "It is well formed, and is pinned if all holds.", true);
    let checkpoint;
    title = "The evidence";
    for (const step of await stepsFor(place, vkey)) {
      title = step.title;
      say(list, title, await step.run(), true);
      checkpoint = step.checkpoint?.();
    }
    title = "The log only grew";
    say(list, title, await growth(checkpoint, memory, vkey, place.dataset.consistency), true);
    const isKept = remember(vkey.text, await newest(checkpoint, memory, vkey));
    return isKept ? "" : " This browser keeps no memory for this site, so the key and the checkpoint were not pinned.";
  } catch (fault) {
    const known = fault instanceof DoesNotHold;
    say(list, title, known ? fault.message : "The evidence is malformed and cannot be checked.", false);
    return null;
  }
}

for (const place of document.querySelectorAll("[data-verify]")) {
  const form = place.querySelector("form");
  const list = place.querySelector("ol");
  const verdict = place.querySelector("[role=status]");
  const forget = place.querySelector("[data-forget]");
  const { vkey } = recall();
  const named = form.elements.vkey.value;
  place.hidden = false;
  forget.hidden = !vkey;
  if (vkey && vkey !== named) {
    verdict.className = "fails";
    verdict.textContent = "The server now names another key than the one that you pinned.";
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    list.replaceChildren();
    verdict.className = "";
    verdict.textContent = "Checking…";
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    const note = await verify(place, list, form.elements.vkey.value);
    button.disabled = false;
    verdict.className = note === null ? "fails" : "holds";
    verdict.textContent = note === null ? "This does not hold. Do not rely on it." : `All of it holds.${note}`;
    forget.hidden = !recall().vkey;
  });
  forget.addEventListener("click", () => {
    localStorage.removeItem(MEMORY);
    forget.hidden = true;
    list.replaceChildren();
    verdict.className = "";
    verdict.textContent = "The pinned key and the last checkpoint are forgotten.";
  });
}
