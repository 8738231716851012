// The little that every page does in the browser: "/" searches, toasts close, a dropped file shows its name,
// and what htmx could not fetch is said. Nothing here is needed to do the work.

const search = document.querySelector("#search");

document.addEventListener("keydown", (event) => {
  const writing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key === "/" && search && !writing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
    search.select();
  }
});

document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.closest("[data-toast]")?.remove();
});

for (const drop of document.querySelectorAll("[data-file-drop]")) {
  const input = drop.querySelector("input[type=file]");
  const name = drop.querySelector("[data-file-name]");
  const show = () => {
    const file = input.files[0];
    if (file) name.textContent = `${file.name}, ${file.size.toLocaleString("en")} bytes`;
  };
  input.addEventListener("change", show);
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("is-over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("is-over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("is-over");
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

function toast(sentence) {
  const element = document.createElement("div");
  element.className = "toast-ours toast-error";
  element.dataset.toast = "";
  const text = document.createElement("p");
  text.textContent = sentence;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "link";
  close.dataset.dismiss = "";
  close.setAttribute("aria-label", "Dismiss");
  close.textContent = "×";
  element.append(text, close);
  document.querySelector("#toasts")?.append(element);
}

// A refusal comes with its own place in the page; other faults are not swapped in.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.getResponseHeader("HX-Retarget")) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});
document.addEventListener("htmx:responseError", () => toast("The server could not answer. Nothing was changed here."));
document.addEventListener("htmx:sendError", () => toast("The server cannot be reached. Nothing was changed here."));
