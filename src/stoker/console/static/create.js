// The form of a new function: what it begins with follows the runtime and the template, until one has changed it.

import { edit } from "./editor.js";

const form = document.querySelector("#create");
const area = form.elements.code;
const codes = form.querySelectorAll("[data-starter]");
let write = null;
let given = area.value;

/** The template for what is chosen. */
function chosen() {
  const runtime = form.querySelector("[name=runtime]:checked");
  return [...codes].find(
    (each) => each.dataset.starter === form.elements.starter.value && each.dataset.kind === runtime?.dataset.kind,
  );
}

function follow() {
  const code = chosen();
  if (!code || area.value !== given) return;
  given = area.value = code.value;
  write?.(given, code.dataset.path);
}

form.addEventListener("change", (event) => {
  if (event.target.name === "runtime" || event.target.name === "starter") follow();
});
follow();
edit(area, chosen()?.dataset.path ?? "app.py").then((writes) => (write = writes));
