// Checks what a log proves with nothing but this browser's own cryptography: an entry and its path to the root (RFC 9162),
// the signed checkpoint (C2SP signed-note), and that the log only grew. Trust comes in by argument, as the log's verifier
// key. Nothing here touches the page or fetches anything.

import { fromBase64, toBase64 } from "./encoding.js";

export class DoesNotHold extends Error {}

const utf8 = new TextEncoder();
const PROOF_HEADER = "c2sp.org/tlog-proof@v1";
const HASH_SIZE = 32;

export function demand(fact, otherwise) {
  if (!fact) throw new DoesNotHold(otherwise);
}

export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function isSame(one, other) {
  return toHex(one) === toHex(other);
}

export function fromStrictBase64(text, what) {
  try {
    const bytes = fromBase64(text);
    if (toBase64(bytes) === text) return bytes;
  } catch {
    // atob refuses what is no base64 at all; the sentence below says so.
  }
  throw new DoesNotHold(`The ${what} is not base64.`);
}

export async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...parts)));
}

export function leafHash(entry) {
  return sha256(Uint8Array.of(0), entry);
}

function nodeHash(left, right) {
  return sha256(Uint8Array.of(1), left, right);
}

// Walks up from leaf `first` of a tree whose last leaf is `last`; `join` is told each sibling and its side (RFC 9162
// §2.1.3.2 and §2.1.4.2 share this walk).
async function climb(first, last, path, join) {
  for (const sibling of path) {
    demand(last !== 0n, "The path is too long for a log of this size.");
    if (first & 1n || first === last) {
      await join(sibling, "left");
      while (first && !(first & 1n)) [first, last] = [first >> 1n, last >> 1n];
    } else {
      await join(sibling, "right");
    }
    [first, last] = [first >> 1n, last >> 1n];
  }
  demand(last === 0n, "The path is too short for a log of this size.");
}

export async function verifyInclusion(leaf, index, size, path, root) {
  const [at, end] = [BigInt(index), BigInt(size)];
  demand(at >= 0n && at < end, "The position lies beyond the checkpoint.");
  let found = leaf;
  await climb(at, end - 1n, path, async (sibling, side) => {
    found = side === "left" ? await nodeHash(sibling, found) : await nodeHash(found, sibling);
  });
  demand(isSame(found, root), "The path does not lead to the root that the checkpoint signs.");
}

export async function verifyConsistency(older, newer, proof) {
  const [old, size] = [BigInt(older.size), BigInt(newer.size)];
  demand(old > 0n && old <= size, "The sizes of the two checkpoints do not fit.");
  if (old === size) {
    demand(!proof.length && isSame(older.root, newer.root), "Two checkpoints of one size have different roots.");
    return;
  }
  const path = old & (old - 1n) ? [...proof] : [older.root, ...proof];
  demand(path.length, "The proof is empty.");
  let [first, last] = [old - 1n, size - 1n];
  while (first & 1n) [first, last] = [first >> 1n, last >> 1n];
  let [oldFound, newFound] = [path[0], path[0]];
  await climb(first, last, path.slice(1), async (sibling, side) => {
    if (side === "left") oldFound = await nodeHash(sibling, oldFound);
    newFound = side === "left" ? await nodeHash(sibling, newFound) : await nodeHash(newFound, sibling);
  });
  demand(
    isSame(oldFound, older.root) && isSame(newFound, newer.root),
    "The newer checkpoint does not contain the older one: the log was changed, or shows two histories.",
  );
}

export function parseHashes(lines) {
  const hashes = lines.map((line) => fromStrictBase64(line, "proof"));
  demand(hashes.length <= 64 && hashes.every((hash) => hash.length === HASH_SIZE), "A hash of the proof is malformed.");
  return hashes;
}

// A verifier key: name+hexkeyid+base64(0x01 ‖ key), with the id recomputed.
export async function parseVkey(text) {
  const found = /^([^\s+]{1,255})\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text.trim());
  demand(found, "A log's key is written name+id+key.");
  const [, name, id, encoded] = found;
  const data = fromStrictBase64(encoded, "log's key");
  demand(data.length === 33 && data[0] === 1, "Only Ed25519 keys of logs are known.");
  const computed = (await sha256(utf8.encode(`${name}\n`), data)).slice(0, 4);
  demand(toHex(computed) === id, "The id of the log's key does not fit its name and key.");
  return { name, id: computed, raw: data.slice(1), text: text.trim() };
}

// The checkpoint in a signed note, if the trusted key signed it. Signatures of other keys are left aside.
export async function verifyCheckpoint(note, vkey) {
  const cut = note.lastIndexOf("\n\n");
  demand(cut > 0 && note.endsWith("\n"), "The checkpoint is no signed note.");
  const text = note.slice(0, cut + 1);
  const ours = note
    .slice(cut + 2, -1)
    .split("\n")
    .map((line) => /^— (\S+) ([A-Za-z0-9+/]+=*)$/.exec(line))
    .filter((found) => found && found[1] === vkey.name)
    .map((found) => fromStrictBase64(found[2], "signature of the checkpoint"))
    .filter((data) => isSame(data.slice(0, 4), vkey.id));
  demand(ours.length === 1, "The log's key did not sign this checkpoint.");
  const key = await importKey("Ed25519", "raw", vkey.raw);
  const isSigned = await crypto.subtle.verify("Ed25519", key, ours[0].slice(4), utf8.encode(text));
  demand(isSigned, "The signature of the checkpoint is not the log's.");
  const lines = text.split("\n");
  demand(
    lines.length === 4 && lines[0] === vkey.name && /^(0|[1-9][0-9]{0,18})$/.test(lines[1]),
    "The checkpoint is of another log, or malformed.",
  );
  const root = fromStrictBase64(lines[2], "root of the checkpoint");
  demand(root.length === HASH_SIZE, "The root of the checkpoint is malformed.");
  return { size: lines[1], root, note };
}

export function parseReceipt(text) {
  const cut = text.indexOf("\n\n");
  const lines = text.slice(0, Math.max(cut, 0)).split("\n");
  demand(cut > 0 && lines.shift() === PROOF_HEADER, "The log receipt has an unknown form.");
  if (lines[0]?.startsWith("extra ")) lines.shift();
  const index = /^index (0|[1-9][0-9]{0,18})$/.exec(lines.shift() ?? "");
  demand(index, "The log receipt names no position.");
  return { index: index[1], path: parseHashes(lines), note: text.slice(cut + 2) };
}

export async function importKey(algorithm, format, bytes) {
  try {
    return await crypto.subtle.importKey(format, bytes, algorithm, false, ["verify"]);
  } catch (fault) {
    if (fault.name === "NotSupportedError") {
      throw new DoesNotHold("This browser cannot check Ed25519 signatures. Use a newer one, or `chipledger verify`.");
    }
    throw new DoesNotHold("A public key cannot be read.");
  }
}

// The steps for a bare entry: `entry` are the bytes that the page shows, `receipt` the log's answer about its digest.
export function entrySteps({ entry, position, receipt, vkey }) {
  let found, checkpoint;
  return [
    {
      title: "The checkpoint",
      async run() {
        found = parseReceipt(receipt);
        checkpoint = await verifyCheckpoint(found.note, vkey);
        return `${vkey.name} signed, with the key above, that its log has ${checkpoint.size} entries and this root.`;
      },
    },
    {
      title: "Its place in the log",
      async run() {
        demand(found.index === position, "The log proves another position than this page names.");
        await verifyInclusion(await leafHash(entry), found.index, checkpoint.size, found.path, checkpoint.root);
        return `The bytes on this page are entry № ${position}: the path leads from their hash to the signed root.`;
      },
      checkpoint: () => checkpoint,
    },
  ];
}
