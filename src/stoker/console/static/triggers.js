// The dialogue that adds a trigger: of its fields, those of the chosen kind.

const dialogue = document.querySelector("#dialogue");
const kind = document.querySelector("#kind");

function choose() {
  for (const fields of dialogue.querySelectorAll("fieldset[data-kind]")) {
    fields.hidden = fields.disabled = fields.dataset.kind !== kind.value;
  }
}

document.querySelector("#add").addEventListener("click", () => dialogue.showModal());
document.querySelector("#leave").addEventListener("click", () => dialogue.close());
kind.addEventListener("change", choose);
choose();
