// A file goes along with the form as base64.

const form = document.querySelector("#put-form");
const file = document.querySelector("#file");
const MOST_BYTES = 10 * 1024 * 1024;

file.addEventListener("change", () => {
  const chosen = file.files[0];
  form.elements.file.value = "";
  form.elements.type.value = chosen?.type ?? "";
  file.setCustomValidity("");
  if (!chosen) return;
  if (chosen.size > MOST_BYTES) {
    file.setCustomValidity("Too large for this page: put it with a client, such as the AWS CLI.");
    file.reportValidity();
    return;
  }
  if (!form.elements.key.value) form.elements.key.value = chosen.name;
  const reader = new FileReader();
  reader.addEventListener("load", () => (form.elements.file.value = reader.result.split(",")[1] ?? ""));
  reader.readAsDataURL(chosen);
});
