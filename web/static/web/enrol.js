// Enrols a passkey as a signing credential, apart from the one that signs in: ES256 only, user verification required.
// The form carries data-options, the server's creation options with binary members in base64url.

import { fromBase64, sayPasskeyFault, toBase64Url } from "./encoding.js";

const ES256 = -7;

async function createCredential(options) {
  if (!window.PublicKeyCredential) throw new Error("This browser knows no passkeys. Enrol a key offline instead.");
  const credential = await navigator.credentials.create({
    publicKey: {
      rp: options.rp,
      user: { ...options.user, id: fromBase64(options.user.id) },
      challenge: fromBase64(options.challenge),
      pubKeyCredParams: [{ type: "public-key", alg: ES256 }],
      excludeCredentials: (options.excludeCredentials ?? []).map(({ id }) => ({ type: "public-key", id: fromBase64(id) })),
      authenticatorSelection: { userVerification: "required", residentKey: "discouraged" },
      attestation: "none",
      timeout: 120000,
    },
  });
  const { response } = credential;
  return {
    id: credential.id,
    rawId: toBase64Url(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: {
      attestationObject: toBase64Url(response.attestationObject),
      clientDataJSON: toBase64Url(response.clientDataJSON),
      transports: response.getTransports?.() ?? [],
    },
  };
}

for (const form of document.querySelectorAll("form[data-enrol]")) {
  const status = form.querySelector("[data-enrol-status]");
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    status.classList.remove("is-refused");
    status.textContent = "Waiting for the passkey…";
    try {
      form.elements.credential.value = JSON.stringify(await createCredential(JSON.parse(form.dataset.options)));
      status.textContent = "Enrolled here. Recording it…";
      form.requestSubmit(event.submitter);
    } catch (fault) {
      status.classList.add("is-refused");
      status.textContent = sayPasskeyFault(fault);
    }
  });
}
