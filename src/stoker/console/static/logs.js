// Logs as they come: a line each, put in as text.

const button = document.querySelector("#tail");
const state = document.querySelector("#tail-state");
const place = document.querySelector("#lines");
const filter = document.querySelector("#log-filter");
const MOST = 2000;
let source = null;
let leftOut = 0;
let held = null; // lines that came before the page knew what had been there

function list() {
  let lines = place.querySelector("ol.lines");
  if (!lines) {
    lines = document.createElement("ol");
    lines.className = "lines";
    lines.tabIndex = 0;
    lines.setAttribute("aria-label", "Lines of the log");
    place.replaceChildren(lines);
  }
  return lines;
}

function show(line) {
  const lines = list();
  const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
  const item = document.createElement("li");
  item.className = `line-${line.kind} fresh`;
  const time = document.createElement("time");
  time.dateTime = new Date(line.at).toISOString();
  time.textContent = time.dateTime.slice(0, 19).replace("T", " ");
  const text = document.createElement("span");
  text.className = "text";
  text.textContent = line.text;
  item.append(time, " ", text);
  lines.append(item);
  while (lines.children.length > MOST) lines.firstElementChild.remove();
  if (atEnd) lines.scrollTop = lines.scrollHeight;
}

/** What was written until the tail began: the page is older than that. Lines that came meanwhile may be in both. */
async function refill() {
  const query = new URLSearchParams(new FormData(filter));
  const answer = await fetch(`${location.pathname}?${query}`, { headers: { "x-stoker-fragment": "1" } });
  if (answer.ok) place.innerHTML = await answer.text();
  const there = new Set();
  for (const item of place.querySelectorAll("ol.lines li")) {
    there.add(`${Date.parse(item.querySelector("time").dateTime)} ${item.querySelector(".text").textContent}`);
  }
  const lines = place.querySelector("ol.lines");
  if (lines) lines.scrollTop = lines.scrollHeight;
  const came = held.filter((line) => !there.has(`${line.at} ${line.text}`));
  held = null;
  came.forEach(show);
}

/** More lines than one can read: the newest are shown, and it is said how many are not. */
function leave(many) {
  leftOut += many;
  state.textContent = `Live: too many to show all; ${leftOut.toLocaleString("en")} left out. A filter finds them.`;
}

function stop() {
  leftOut = 0;
  source?.close();
  source = null;
  button.setAttribute("aria-pressed", "false");
  state.textContent = "";
}

function start() {
  const query = new URLSearchParams({ group: button.dataset.group, filter: filter.elements.filter.value });
  source = new EventSource(`${button.dataset.tail}?${query}`);
  button.setAttribute("aria-pressed", "true");
  state.textContent = "Connecting.";
  source.addEventListener("started", async () => {
    held = [];
    await refill().catch(() => (held = null));
    if (!leftOut) state.textContent = "Live: lines appear as they are written.";
  });
  source.addEventListener("lines", (event) => {
    const { lines, left_out: leftOut } = JSON.parse(event.data);
    if (leftOut) leave(leftOut);
    if (held) held.push(...lines);
    else lines.forEach(show);
  });
  source.addEventListener("refused", (event) => {
    stop();
    state.textContent = JSON.parse(event.data);
  });
  source.addEventListener("error", () => source && (state.textContent = "The connection broke off; trying again."));
}

button.addEventListener("click", () => (source ? stop() : start()));
filter.addEventListener("submit", stop);
addEventListener("pagehide", stop);
for (const lines of place.querySelectorAll("ol.lines")) lines.scrollTop = lines.scrollHeight;
