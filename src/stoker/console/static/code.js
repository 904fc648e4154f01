// The code of a function: an editor for its files, and its test events, which this browser keeps.

import { submit } from "./console.js";
import { edit } from "./editor.js";

const form = document.querySelector("#code");
const test = document.querySelector("#test");
const tabs = form.querySelector(".files");
const saved = document.querySelector("#saved");
const sources = new Map();
let current = null;
let changes = 0;

// Files

async function mount(path) {
  const source = sources.get(path);
  if (source.mounted) return;
  source.mounted = true;
  await edit(source.area, path, { changed: () => touched(path), save });
}

function show(path) {
  current = path;
  for (const [name, source] of sources) {
    const chosen = name === path;
    source.element.hidden = !chosen;
    source.tab.setAttribute("aria-selected", String(chosen));
    source.tab.tabIndex = chosen ? 0 : -1;
  }
  mount(path);
}

function touched(path) {
  changes += 1;
  sources.get(path).tab.classList.add("changed");
  saved.innerHTML = "";
  saved.textContent = "Not saved yet.";
}

function know(path, element, tab) {
  const area = element.querySelector("textarea");
  sources.set(path, { element, area, tab, mounted: false });
  area.addEventListener("input", () => touched(path));
  tab.addEventListener("click", () => show(path));
}

function add() {
  const path = prompt("Name of the new file, for example lib/words.py");
  if (!path || sources.has(path)) return;
  const element = document.createElement("div");
  element.className = "source";
  const label = document.createElement("label");
  const area = document.createElement("textarea");
  area.name = "content";
  area.spellcheck = false;
  label.append(area);
  const name = document.createElement("input");
  Object.assign(name, { type: "hidden", name: "path", value: path });
  element.append(label, name);
  saved.before(element);
  const tab = document.createElement("button");
  Object.assign(tab, { type: "button", className: "file", textContent: path });
  tab.setAttribute("role", "tab");
  tabs.append(tab);
  know(path, element, tab);
  touched(path);
  show(path);
}

async function save() {
  const before = changes;
  const answer = await submit(form);
  if (!answer?.fine) return false;
  form.elements.revision.value = saved.querySelector("[data-revision]").dataset.revision;
  if (changes === before) {
    changes = 0;
    for (const source of sources.values()) source.tab.classList.remove("changed");
  }
  return true;
}

for (const element of form.querySelectorAll(".source")) {
  const path = element.dataset.path;
  const tab = [...tabs.children].find((each) => each.dataset.path === path);
  know(path, element, tab);
}
tabs.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const names = [...sources.keys()];
  const next = names[(names.indexOf(current) + step + names.length) % names.length];
  show(next);
  sources.get(next).tab.focus();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
document.querySelector("#add-file").addEventListener("click", add);
addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "s" && !event.defaultPrevented) {
    event.preventDefault();
    save();
  }
});
addEventListener("beforeunload", (event) => {
  if (changes) event.preventDefault();
});

const names = [...sources.keys()];
const first = names.find((name) => name.replace(/\.\w+$/, "") === form.dataset.handler) ?? names[0];
if (first) show(first);

// Test events

const events = document.querySelector("#events");
const event = document.querySelector("#event");
const own = document.querySelector("#saved-events");
const drop = document.querySelector("#drop-event");
const shelf = `stoker events ${test.dataset.function}`;

function kept() {
  try {
    return Object.entries(JSON.parse(localStorage.getItem(shelf) ?? "{}"));
  } catch {
    return [];
  }
}

function list(chosen) {
  own.replaceChildren(
    ...kept().map(([name, text]) => {
      const option = new Option(name, `own ${name}`, false, name === chosen);
      option.dataset.event = text;
      return option;
    }),
  );
  own.hidden = !own.children.length;
  drop.hidden = !events.value.startsWith("own ");
}

function keep(change) {
  const all = new Map(kept());
  change(all);
  localStorage.setItem(shelf, JSON.stringify(Object.fromEntries(all)));
}

events.addEventListener("change", () => {
  event.value = events.selectedOptions[0].dataset.event;
  drop.hidden = !events.value.startsWith("own ");
});
document.querySelector("#keep-event").addEventListener("click", () => {
  const name = prompt("Name of this event");
  if (!name) return;
  keep((all) => all.set(name, event.value));
  list(name);
});
drop.addEventListener("click", () => {
  keep((all) => all.delete(events.value.slice(4)));
  list(null);
  events.dispatchEvent(new Event("change"));
});
list(null);

// What is not saved is saved first: one tests what one sees.
test.addEventListener("submit", async (happened) => {
  happened.preventDefault();
  if (changes && !(await save())) {
    document.querySelector("#result").textContent = "Not tested: the code could not be saved.";
    return;
  }
  await submit(test);
  document.querySelector("#result").scrollIntoView({ block: "nearest" });
});
