// Forms that say where their answer goes are sent by script, and the answer (HTML that the server escaped) is put
// there. Without script they are ordinary forms.

const csrf = document.body.dataset.csrf ?? "";

/** Send a form; the answer's text. Follows where the server wants to go on. */
export async function send(form) {
  const fields = new URLSearchParams(new FormData(form));
  const asks = form.method.toLowerCase() === "get";
  const address = new URL(form.action);
  if (asks) address.search = fields;
  const answer = await fetch(address, {
    method: asks ? "GET" : "POST",
    body: asks ? undefined : fields,
    headers: { "x-stoker-fragment": "1", "x-stoker-csrf": csrf },
  });
  const onward = answer.headers.get("x-stoker-location");
  if (onward) {
    location.assign(onward);
    return null;
  }
  return { fine: answer.ok, html: await answer.text() };
}

/** Send a form and show the answer where the form says. */
export async function submit(form) {
  const target = document.querySelector(form.dataset.into);
  const buttons = form.querySelectorAll("button");
  target.classList.add("busy");
  target.setAttribute("aria-busy", "true");
  if (!("live" in form.dataset)) buttons.forEach((button) => (button.disabled = true));
  let goesOn = false;
  try {
    const answer = await send(form);
    goesOn = answer === null;
    if (answer) {
      target.innerHTML = answer.html;
      form.dispatchEvent(new CustomEvent("answered", { detail: answer }));
    }
    return answer;
  } catch {
    target.textContent = "Stoker does not answer. Is it running?";
    return null;
  } finally {
    if (!goesOn) buttons.forEach((button) => (button.disabled = false));
    target.classList.remove("busy");
    target.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.dataset.into) return;
  event.preventDefault();
  submit(form);
});

// On a narrow screen the tabs scroll: the one that one is on is to be seen.
for (const tab of document.querySelectorAll("nav [aria-current]")) {
  tab.scrollIntoView({ inline: "center", block: "nearest" });
}

for (const form of document.querySelectorAll("form[data-changes]")) {
  form.addEventListener("change", () => form.submit());
}

for (const form of document.querySelectorAll("form[data-live]")) {
  let waiting = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => submit(form), 200);
  });
}
