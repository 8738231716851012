// The keyboard: "/" searches, "?" shows what keys do, "g" and a letter go to a page of the rail, "j" and "k" walk through
// the rows of a table. Single keys can be switched off (WCAG 2.1.4), never act while somebody writes, and do nothing
// that a link or a button does not do.

const OFF = "chipledger.keys-off";
const help = document.querySelector("#keys");
const search = document.querySelector("#search");
const toggle = help?.querySelector("[data-keys-off]");
let going = false;

const isOff = () => localStorage.getItem(OFF) === "1";

function isWriting(target) {
  return Boolean(target.closest?.("input, textarea, select, [contenteditable]"));
}

function walk(step) {
  const rows = [...document.querySelectorAll("table.ledger tbody tr")].filter((row) => row.querySelector("a"));
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
  next.querySelector("a").focus();
  next.scrollIntoView({ block: "nearest" });
}

function goTo(letter) {
  document.querySelector(`.rail a[data-key="${CSS.escape(letter)}"]`)?.click();
}

const KEYS = {
  "/": () => {
    search?.focus();
    search?.select();
  },
  "?": () => help?.showModal(),
  g: () => {
    going = true;
    setTimeout(() => (going = false), 1500);
  },
  j: () => walk(1),
  k: () => walk(-1),
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const open = document.querySelector("details.menu[open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
    }
    return;
  }
  if (isOff() || event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target) || help?.open) return;
  if (going) {
    going = false;
    event.preventDefault();
    goTo(event.key);
  } else if (Object.hasOwn(KEYS, event.key)) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

// One menu at a time, and none once somebody clicks elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  if (event.target.closest("[data-show-keys]")) help?.showModal();
});

if (toggle) {
  toggle.checked = isOff();
  toggle.addEventListener("change", () => localStorage.setItem(OFF, toggle.checked ? "1" : "0"));
}
