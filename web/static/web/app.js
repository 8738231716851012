// The little that every page does in the browser: toasts close, a dropped file shows its name, times are told in the
// reader's own zone too, and what htmx could not fetch is said. Nothing here is needed to do the work.

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const local = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" });

function tellLocalTime(root) {
  if (ZONE === "UTC" || new Date().getTimezoneOffset() === 0) return;
  for (const time of root.querySelectorAll("time[datetime*='T']:not([data-local])")) {
    const words = `${local.format(new Date(time.dateTime))} ${ZONE}`;
    time.dataset.local = words;
    if (time.closest("table")) {
      time.title = words;
    } else {
      const own = document.createElement("span");
      own.className = "own-time";
      own.textContent = words;
      time.after(" ", own);
    }
  }
}

tellLocalTime(document);
document.addEventListener("htmx:afterSwap", (event) => tellLocalTime(event.target.parentElement ?? document));

document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.closest("[data-toast]")?.remove();
});

for (const drop of document.querySelectorAll("[data-file-drop]")) {
  const input = drop.querySelector("input[type=file]");
  const name = drop.querySelector("[data-file-name]");
  const show = () => {
    const told = Array.from(input.files, (file) => `${file.name}, ${file.size.toLocaleString("en")} bytes`);
    if (told.length) name.textContent = told.join("; ");
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

// On paper everything that a statement proves is open: its bytes, signatures and path.
addEventListener("beforeprint", () => {
  for (const closed of document.querySelectorAll(".paper details:not([open])")) {
    closed.open = true;
    closed.dataset.opened = "";
  }
});
addEventListener("afterprint", () => {
  for (const opened of document.querySelectorAll("details[data-opened]")) {
    opened.open = false;
    delete opened.dataset.opened;
  }
});
