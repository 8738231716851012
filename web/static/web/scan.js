// A field that takes a barcode scanner's Enter and collects serials into a list of the same form, each once.
// Without scripts the field stays hidden, and the list takes the scanner's lines itself.

for (const block of document.querySelectorAll("[data-scan-into]")) {
  const list = document.getElementById(block.dataset.scanInto);
  const input = block.querySelector("input");
  const said = block.querySelector("[data-scan-said]");
  block.hidden = false;
  input.focus();
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // it would send the form
    const serials = input.value.trim().split(/[\s,;]+/).filter(Boolean);
    input.value = "";
    const lines = new Set(list.value.split("\n").filter(Boolean));
    for (const serial of serials) {
      said.textContent = lines.has(serial) ? `${serial} is in the list already.` : `${serial} added.`;
      lines.add(serial);
    }
    if (!serials.length) return;
    list.value = [...lines].join("\n") + "\n";
    said.textContent += ` ${lines.size.toLocaleString("en")} in the list.`;
    list.dispatchEvent(new KeyboardEvent("keyup", { bubbles: true })); // what compares as one types, compares now
  });
}
