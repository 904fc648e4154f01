// The live picture: squares that stand for environments, and bars for their starts. What is drawn comes as server-sent
// events; between them only the time that is left is counted down here.

const picture = document.querySelector("#picture");
const groups = document.querySelector("#groups");
const link = document.querySelector("#link");
const tally = document.querySelector("#tally");
const nobody = document.querySelector("#nobody");
const list = document.querySelector("#starts");
const noStarts = document.querySelector("#no-starts");

const GONE_MS = 4000;
const MOST_STARTS = 30;
const root = document.body.dataset.root;
const known = new Map(); // environment number -> {view, square}
const places = new Map(); // function -> its group
let templates = [];
let starts = [];
let ahead = 0; // how far Stoker's clock is ahead of ours, in seconds

const now = () => Date.now() / 1000 + ahead;
const make = (tag, className, text) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};

function length(seconds) {
  if (seconds < 1) return "now";
  if (seconds < 100) return `${Math.ceil(seconds)} s`;
  return seconds < 6000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

const ms = (value) => (value >= 100 ? `${value.toFixed(0)} ms` : `${value.toFixed(1)} ms`);

function group(name) {
  let place = places.get(name);
  if (!place) {
    const element = make("section", "card group");
    const head = make("h2");
    const anchor = make("a", "", name);
    anchor.href = `${root}/functions/${encodeURIComponent(name)}/environments`;
    head.append(anchor, " ", make("span", "soft"));
    const squares = make("ul", "squares");
    element.append(head, squares);
    place = { name, element, squares, sum: head.querySelector("span"), templates: [] };
    places.set(name, place);
    const after = [...places.keys()].sort().indexOf(name);
    groups.insertBefore(element, groups.children[after] ?? null);
  }
  return place;
}

function colour(view) {
  const waits = view.state === "warm" || view.state === "frozen";
  return waits && view.kind === "provisioned-concurrency" ? "provisioned" : view.state;
}

function word(view) {
  const left = view.until ? `, ${length(view.until - now())} left` : "";
  const calls = `${view.invocations} ${view.invocations === 1 ? "call" : "calls"}`;
  const how = {
    sandbox: "starting: its sandbox is being built",
    runtime: "starting: the runtime comes up",
    import: "starting: your module is being imported",
    init: "starting: its init runs",
    restore: "starting: memory of the template is put in place",
    running: "running",
    warm: `warm, waits${left}`,
    frozen: `warm and frozen${left}`,
    stopping: "is being taken down",
    gone: "gone",
  }[view.state];
  const provisioned = view.kind === "provisioned-concurrency" ? "provisioned, " : "";
  const took = view.phases.length ? `; started in ${ms(view.phases.reduce((sum, phase) => sum + phase.ms, 0))}` : "";
  return `Environment ${view.number}, version ${view.version}: ${provisioned}${how}; ${calls}${took}`;
}

function draw(entry) {
  const { view, square } = entry;
  square.className = `square ${colour(view)}`;
  square.dataset.state = view.state;
  square.dataset.number = view.number;
  square.title = word(view);
  square.firstChild.textContent = square.title;
  square.children[1].textContent = view.invocations ? String(view.invocations) : "";
  left(entry);
}

function left({ view, square }) {
  const bar = square.lastChild;
  bar.hidden = !view.until;
  if (view.until) bar.value = Math.max(0, (view.until - now()) / (view.until - view.since));
}

function put(view) {
  let entry = known.get(view.number);
  if (view.state === "gone") {
    if (entry) leave(entry);
    return;
  }
  if (!entry) {
    const square = make("li");
    square.append(make("span", "hidden"), make("b"), make("progress"));
    square.lastChild.max = 1;
    square.lastChild.setAttribute("aria-hidden", "true");
    entry = { square };
    known.set(view.number, entry);
    group(view.function).squares.append(square);
  }
  entry.view = view;
  draw(entry);
}

function leave(entry) {
  known.delete(entry.view.number);
  entry.view = { ...entry.view, state: "gone", until: null };
  draw(entry);
  setTimeout(() => {
    entry.square.remove();
    tidy();
  }, GONE_MS);
}

function tidy() {
  for (const [name, place] of places) {
    const own = [...known.values()].filter((entry) => entry.view.function === name);
    if (!place.squares.children.length) {
      place.element.remove();
      places.delete(name);
      continue;
    }
    const running = own.filter((entry) => entry.view.state === "running").length;
    place.sum.textContent = `${own.length} alive, ${running} running`;
  }
  const running = [...known.values()].filter((entry) => entry.view.state === "running").length;
  tally.textContent = `${known.size} alive, ${running} running`;
  nobody.hidden = places.size > 0;
}

function showTemplates() {
  for (const place of places.values()) place.squares.querySelectorAll(".template").forEach((each) => each.remove());
  for (const each of templates) {
    const square = make("li", "square template");
    const size = each.size_bytes ? `${(each.size_bytes / 1048576).toFixed(0)} MB` : "being made";
    square.title = `Template of version ${each.version}: ${size}. New environments begin with its memory.`;
    square.append(make("span", "hidden", square.title));
    group(each.function).squares.prepend(square);
  }
  tidy();
}

// Starts

function showStarts() {
  const longest = Math.max(...starts.map((start) => start.total), 1);
  list.replaceChildren(
    ...starts.map((start) => {
      const item = make("li");
      const label = make("span", "label");
      const at = new Date((start.began - ahead) * 1000).toLocaleTimeString();
      label.append(make("b", "", start.function), ` ${start.version} · ${at}${start.failed ? " · failed" : ""}`);
      const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      drawing.setAttribute("viewBox", "0 0 1000 20");
      drawing.setAttribute("preserveAspectRatio", "none");
      drawing.setAttribute("role", "img");
      drawing.setAttribute("aria-label", start.phases.map((phase) => `${phase.label ?? phase.name} ${ms(phase.ms)}`).join(", "));
      let x = 0;
      for (const phase of start.phases) {
        const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
        const width = Math.max((phase.ms / longest) * 1000, 2);
        for (const [name, value] of Object.entries({ x, y: 0, width, height: 20, class: phase.name }))
          bar.setAttribute(name, value);
        drawing.append(bar);
        x += width;
      }
      const numbers = make("span", "phases");
      for (const phase of start.phases) {
        const part = make("span");
        part.append(make("i", `dot ${phase.name}`), `${phase.label ?? phase.name} ${ms(phase.ms)}`);
        numbers.append(part);
      }
      const kind = start.warm ? "warm call, no start" : start.from_template ? "from the template" : start.kind === "provisioned-concurrency" ? "provisioned" : "cold";
      numbers.append(make("b", "", `${ms(start.total)} ${kind}`));
      item.append(label, drawing, numbers);
      return item;
    }),
  );
  noStarts.hidden = starts.length > 0;
}

// A warm call has no start; what it took is shown beside those that do.
for (const form of document.querySelectorAll("form[data-into='#called']")) {
  form.addEventListener("answered", () => {
    const took = document.querySelector("#called [data-warm]")?.dataset.warm;
    if (!took) return;
    const phases = [{ name: "running", label: "handler", ms: Number(took) }];
    const call = { function: picture.dataset.only, version: "$LATEST", began: now(), phases, total: Number(took), warm: true };
    starts = [{ ...call, number: "call" }, ...starts].slice(0, MOST_STARTS);
    showStarts();
  });
}

// What comes

const source = new EventSource(picture.dataset.live);
source.addEventListener("open", () => say("live", "state-active"));
source.addEventListener("error", () => say("not connected", "state-failed"));
source.addEventListener("refused", (event) => {
  source.close();
  say(JSON.parse(event.data), "state-failed");
});
source.addEventListener("picture", (event) => {
  const told = JSON.parse(event.data);
  ahead = told.now - Date.now() / 1000;
  told.environments.forEach(put);
  tidy();
});
// What went while nobody was connected.
source.addEventListener("present", (event) => {
  const there = new Set(JSON.parse(event.data));
  for (const [number, entry] of known) if (!there.has(number)) leave(entry);
  tidy();
});
source.addEventListener("starts", (event) => {
  const told = JSON.parse(event.data);
  for (const start of told) start.total = start.phases.reduce((sum, phase) => sum + phase.ms, 0);
  const seen = new Set(starts.map((start) => `${start.number} ${start.began}`));
  const fresh = told.filter((start) => !seen.has(`${start.number} ${start.began}`));
  starts = [...fresh.reverse(), ...starts].slice(0, MOST_STARTS);
  showStarts();
});
source.addEventListener("templates", (event) => {
  templates = JSON.parse(event.data);
  showTemplates();
});
addEventListener("pagehide", () => source.close());

function say(text, className) {
  link.textContent = text;
  link.className = `state ${className}`;
}

setInterval(() => {
  for (const entry of known.values()) {
    if (!entry.view.until) continue;
    left(entry);
    entry.square.title = word(entry.view);
  }
}, 500);
tidy();
showStarts();
