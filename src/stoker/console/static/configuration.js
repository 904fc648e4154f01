// Environment variables: rows that come and go, and values for those who ask.

const form = document.querySelector("#variables");
const rows = document.querySelector("#rows");

document.querySelector("#add-variable").addEventListener("click", () => {
  rows.append(document.querySelector("#new-variable").content.cloneNode(true));
  rows.lastElementChild.querySelector("input").focus();
});
rows.addEventListener("click", (event) => {
  if ("remove" in event.target.dataset) event.target.closest(".variable").remove();
});
document.querySelector("#reveal").addEventListener("click", async () => {
  const answer = await fetch(form.dataset.reveal, { headers: { "x-stoker-fragment": "1" } });
  rows.innerHTML = await answer.text();
});
