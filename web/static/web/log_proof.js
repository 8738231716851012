// Checks evidence of a statement with nothing but this browser's own cryptography: signatures (DSSE, WebAuthn), the entry
// of the log, its path to the root (RFC 9162), the signed checkpoint (C2SP signed-note), and that the log only grew.
// Trust comes in by argument, as the log's verifier key. Nothing here touches the page or fetches anything.

import { fromBase64, toBase64, toBase64Url } from "./encoding.js";

export class DoesNotHold extends Error {}

const utf8 = new TextEncoder();
const STATEMENT_TYPE = "application/vnd.chipledger.statement+json";
const PROOF_HEADER = "c2sp.org/tlog-proof@v1";
const P256_HEAD = "3059301306072a8648ce3d020106082a8648ce3d03010703420004";
const ED25519_HEAD = "302a300506032b6570032100";
const HASH_SIZE = 32;
const USER_PRESENT_AND_VERIFIED = 0x05;

function demand(fact, otherwise) {
  if (!fact) throw new DoesNotHold(otherwise);
}

function concat(...parts) {
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

function isSame(one, other) {
  return toHex(one) === toHex(other);
}

function fromStrictBase64(text, what) {
  try {
    const bytes = fromBase64(text);
    if (toBase64(bytes) === text) return bytes;
  } catch {
    // atob refuses what is no base64 at all; the sentence below says so.
  }
  throw new DoesNotHold(`The ${what} is not base64.`);
}

async function sha256(...parts) {
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

async function importKey(algorithm, format, bytes) {
  try {
    return await crypto.subtle.importKey(format, bytes, algorithm, false, ["verify"]);
  } catch (fault) {
    if (fault.name === "NotSupportedError") {
      throw new DoesNotHold("This browser cannot check Ed25519 signatures. Use a newer one, or `chipledger verify`.");
    }
    throw new DoesNotHold("A public key cannot be read.");
  }
}

// r‖s of 64 bytes out of the DER that passkeys return.
function rawOfDer(der) {
  const numbers = [];
  let at = 2;
  demand(der[0] === 0x30 && der[1] === der.length - 2, "A passkey's signature is malformed.");
  while (at < der.length) {
    const size = der[at + 1];
    demand(der[at] === 0x02 && size > 0 && size <= 33, "A passkey's signature is malformed.");
    const digits = der.slice(at + 2, at + 2 + size);
    const number = size === 33 ? digits.slice(1) : digits;
    demand(digits.length === size && (size < 33 || digits[0] === 0), "A passkey's signature is malformed.");
    numbers.push(concat(new Uint8Array(32 - number.length), number));
    at += 2 + size;
  }
  demand(numbers.length === 2, "A passkey's signature is malformed.");
  return concat(...numbers);
}

async function verifyWith(spki, signature, message) {
  const head = toHex(spki);
  if (head.startsWith(P256_HEAD)) {
    const curve = { name: "ECDSA", namedCurve: "P-256" };
    const key = await importKey(curve, "spki", spki);
    return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, message);
  }
  demand(head.startsWith(ED25519_HEAD), "A signing key has an unknown algorithm.");
  const key = await importKey("Ed25519", "raw", spki.slice(12));
  return crypto.subtle.verify("Ed25519", key, signature, message);
}

// Whether this key made this signature over the statement; a passkey signs authenticatorData ‖ SHA-256(clientDataJSON),
// and its challenge must be the statement's digest.
async function isSignedBy(spki, signature, encoding, digest) {
  const sig = fromStrictBase64(signature.sig, "signature");
  if (!signature.webauthn) return verifyWith(spki, sig, encoding);
  const data = fromStrictBase64(signature.webauthn.authenticatorData, "authenticator data");
  const clientJson = fromStrictBase64(signature.webauthn.clientDataJSON, "client data");
  const client = parseJson(clientJson, "client data");
  demand(client.type === "webauthn.get" && client.crossOrigin !== true, "The passkey was not used to sign here.");
  demand(client.challenge === toBase64Url(digest), "The passkey signed another statement.");
  demand((data[32] & USER_PRESENT_AND_VERIFIED) === USER_PRESENT_AND_VERIFIED, "The passkey did not verify its person.");
  return verifyWith(spki, rawOfDer(sig), concat(data, await sha256(clientJson)));
}

function parseJson(bytes, what) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new DoesNotHold(`The ${what} cannot be read.`);
  }
}

async function readEnvelope(encoded) {
  const raw = fromStrictBase64(encoded, "envelope");
  const envelope = parseJson(raw, "envelope");
  demand(envelope.payloadType === STATEMENT_TYPE, "The envelope carries no statement.");
  const payload = fromStrictBase64(envelope.payload, "payload");
  const head = utf8.encode(`DSSEv1 ${STATEMENT_TYPE.length} ${STATEMENT_TYPE} ${payload.length} `);
  const encoding = concat(head, payload);
  const body = parseJson(payload, "statement");
  return { raw, payload, encoding, body, digest: await sha256(encoding), signatures: envelope.signatures };
}

// version ‖ digest ‖ accepted-at in milliseconds, and the envelope where everybody may read it (chipledger/entries.py).
function entryOf(envelope, acceptedAt) {
  const at = Date.parse(acceptedAt);
  demand(Number.isSafeInteger(at) && at >= 0, "The time of acceptance cannot be read.");
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigUint64(0, BigInt(at));
  const inFull = /^(ledger\.founded$|key\.|organisation\.)/.test(envelope.body.kind);
  return concat(Uint8Array.of(inFull ? 2 : 1), envelope.digest, time, inFull ? envelope.raw : new Uint8Array());
}

async function verifyPlace(logged, envelope, vkey) {
  const receipt = parseReceipt(logged.receipt);
  const checkpoint = await verifyCheckpoint(receipt.note, vkey);
  const leaf = await leafHash(entryOf(envelope, logged.accepted_at));
  await verifyInclusion(leaf, receipt.index, checkpoint.size, receipt.path, checkpoint.root);
  return { index: BigInt(receipt.index), checkpoint };
}

// Each key that signed is in the log in full, entered before the statement and not ended before it.
async function verifyKey(keyId, bundle, vkey, place) {
  const records = bundle.keys.filter((key) => key.key_id === keyId);
  let isEntered = false;
  for (const record of records) {
    const source = await readEnvelope(record.envelope);
    const { index } = await verifyPlace(record, source, vkey);
    const text = new TextDecoder().decode(source.payload);
    if (text.includes(JSON.stringify(record.spki))) isEntered ||= index <= place.index;
    else {
      demand(/^key\.(revoked|rotated)$/.test(source.body.kind), "A record of the key is of a kind that ends no key.");
      demand(index > place.index, "The key had been ended before it signed this.");
    }
  }
  demand(isEntered, "The log does not show that this key had been entered before it signed.");
}

async function verifySigner(signer, envelope, bundle) {
  const record = bundle.keys.find((key) => key.key_id === signer.key);
  demand(record, "The evidence lacks a key that the statement names.");
  const spki = fromStrictBase64(record.spki, "key");
  demand(toHex(await sha256(spki)) === signer.key, "A key does not fit the name that the statement gives it.");
  demand(record.organisation === signer.organisation, "A key belongs to another organisation than the statement says.");
  for (const signature of envelope.signatures) {
    if (signature.keyid && signature.keyid !== signer.key) continue;
    if (await isSignedBy(spki, signature, envelope.encoding, envelope.digest)) return signature;
  }
  throw new DoesNotHold(`The signature of ${signer.organisation} does not fit the text.`);
}

// The steps, in order; each says what it shows, and throws DoesNotHold with what is wrong.
// `text` is an evidence bundle, `digest` the statement's as this page names it, `shown` the text that a person reads.
export function statementSteps({ text, digest, shown, vkey }) {
  let bundle, logged, envelope, place;
  return [
    {
      title: "The text",
      async run() {
        bundle = parseJson(utf8.encode(text), "evidence");
        demand(bundle.format === "chipledger-bundle@v1" && bundle.items?.length === 1, "This is no evidence of one statement.");
        [logged] = bundle.items;
        envelope = await readEnvelope(logged.envelope);
        demand(toHex(envelope.digest) === digest, "The evidence is of another text than this page names.");
        const reads = new TextDecoder().decode(envelope.payload).replace(/\r\n?/g, "\n"); // as HTML reads line ends
        demand(reads === shown, "The text that this page shows is not the text that was signed.");
        return "The text on this page is, byte for byte, the one that the digest stands for.";
      },
    },
    {
      title: "The signatures",
      async run() {
        const { signers } = envelope.body;
        demand(signers?.length && signers.length === envelope.signatures.length, "A signature is missing or one too many.");
        const used = new Set();
        for (const signer of signers) used.add(await verifySigner(signer, envelope, bundle));
        demand(used.size === signers.length, "One signature stands for two signers.");
        const names = [...new Set(signers.map((signer) => signer.organisation))].join(" and ");
        const how = envelope.signatures.some((signature) => signature.webauthn) ? ", with a passkey" : "";
        return `Signed by ${names}${how}. Every key named in the text signed exactly this text.`;
      },
    },
    {
      title: "The checkpoint",
      async run() {
        const { size } = await verifyCheckpoint(parseReceipt(logged.receipt).note, vkey);
        return `${vkey.name} signed, with the key above, that its log has ${size} entries and this root.`;
      },
    },
    {
      title: "Its place in the log",
      async run() {
        place = await verifyPlace(logged, envelope, vkey);
        return `It is entry № ${place.index}, accepted at ${logged.accepted_at}: the path leads from it to the signed root.`;
      },
    },
    {
      title: "The keys",
      async run() {
        for (const signer of envelope.body.signers) await verifyKey(signer.key, bundle, vkey, place);
        return "The same log shows, in full, that each key was entered before it signed and had not been ended.";
      },
      checkpoint: () => place.checkpoint,
    },
  ];
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
