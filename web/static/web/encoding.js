// Base64 in both alphabets, as WebAuthn and DSSE need it.

export function fromBase64(text) {
  const plain = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(plain), (letter) => letter.charCodeAt(0));
}

export function toBase64(buffer) {
  let text = "";
  for (const byte of new Uint8Array(buffer)) text += String.fromCharCode(byte);
  return btoa(text);
}

export function toBase64Url(buffer) {
  return toBase64(buffer).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

export function sayPasskeyFault(fault) {
  switch (fault.name) {
    case "NotAllowedError":
      return "The passkey was not used: cancelled, timed out, or not one that may sign here.";
    case "InvalidStateError":
      return "This passkey is already enrolled.";
    case "SecurityError":
      return "This page's address does not match the one the passkeys belong to.";
    default:
      return fault.message || "The passkey could not be used.";
  }
}
