// The weight slider says what it stands at.

for (const slider of document.querySelectorAll("input[type=range]")) {
  const output = slider.closest("label").querySelector(".share");
  slider.addEventListener("input", () => (output.textContent = `${slider.value} %`));
}
