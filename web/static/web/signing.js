// Signs a statement with a passkey: the challenge is SHA-256 of the DSSE pre-authentication encoding of exactly the
// bytes on this page. The browser computes it again and will not sign if it differs from what the page shows.

import { fromBase64, sayPasskeyFault, toBase64, toBase64Url } from "./encoding.js";

async function challengeOf(payloadType, payload) {
  const utf8 = new TextEncoder();
  const kind = utf8.encode(payloadType);
  const head = utf8.encode(`DSSEv1 ${kind.length} ${payloadType} ${payload.length} `);
  const encoding = new Uint8Array(head.length + payload.length);
  encoding.set(head);
  encoding.set(payload, head.length);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", encoding));
}

async function signEnvelope({ payload, payloadType, challenge, credentials, rpId }) {
  if (!window.PublicKeyCredential) throw new Error("This browser knows no passkeys. Sign offline instead.");
  const allowed = JSON.parse(credentials);
  const computed = await challengeOf(payloadType, fromBase64(payload));
  if (toBase64Url(computed) !== challenge) {
    throw new Error("The text on this page is not the text to be signed. Load the page again; nothing was signed.");
  }
  const assertion = await navigator.credentials.get({
    publicKey: {
      challenge: computed,
      rpId,
      allowCredentials: allowed.map(({ id }) => ({ type: "public-key", id: fromBase64(id) })),
      userVerification: "required",
      timeout: 120000,
    },
  });
  const used = allowed.find(({ id }) => id === assertion.id);
  if (!used) throw new Error("That passkey may not sign here.");
  return {
    payloadType,
    payload,
    signatures: [
      {
        keyid: used.keyid,
        sig: toBase64(assertion.response.signature),
        webauthn: {
          authenticatorData: toBase64(assertion.response.authenticatorData),
          clientDataJSON: toBase64(assertion.response.clientDataJSON),
        },
      },
    ],
  };
}

for (const form of document.querySelectorAll("form[data-sign]")) {
  const status = form.querySelector("[data-sign-status]");
  let busy = false;
  form.addEventListener("submit", async (event) => {
    const offline = event.submitter?.closest(".sign-offline");
    if (offline || form.elements.envelope.value) return;
    event.preventDefault();
    if (busy) return;
    busy = true;
    status.classList.remove("is-refused");
    status.textContent = "Waiting for the passkey…";
    try {
      form.elements.envelope.value = JSON.stringify(await signEnvelope(form.dataset));
      status.textContent = "Signed. Filing…";
      form.requestSubmit(event.submitter);
    } catch (fault) {
      status.classList.add("is-refused");
      status.textContent = sayPasskeyFault(fault);
    } finally {
      busy = false;
    }
  });
}

// Coming back to a page from the browser's memory must not file the old signature again.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sign]")) form.elements.envelope.value = "";
});
