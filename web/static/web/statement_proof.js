// Checks the evidence of a statement: its text, its signatures (DSSE, WebAuthn), its place in the log, and that its keys
// counted then. What the log itself proves is checked by log_proof.js.

import { toBase64Url } from "./encoding.js";
import {
  DoesNotHold,
  concat,
  demand,
  fromStrictBase64,
  importKey,
  leafHash,
  parseReceipt,
  sha256,
  toHex,
  verifyCheckpoint,
  verifyInclusion,
} from "./log_proof.js";

const utf8 = new TextEncoder();
const STATEMENT_TYPE = "application/vnd.chipledger.statement+json";
const P256_HEAD = "3059301306072a8648ce3d020106082a8648ce3d03010703420004";
const ED25519_HEAD = "302a300506032b6570032100";
const USER_PRESENT_AND_VERIFIED = 0x05;

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
