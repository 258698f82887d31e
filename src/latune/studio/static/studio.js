// The page's end of the stream: what a hand does goes out, frames come in and are painted.
import { mark, paintStage, repaint, write } from "./stage.js";
import { follow } from "./sound.js";
import { paintWalk } from "./walk.js";
import { paintMap, paintSurface, repaintMap } from "./map.js";

const page = window.latune; // token and medium, written by the server; tests and benchmarks read the rest
Object.assign(page, { log: [], last: null, open: false, busy: () => waiting !== 0 || released || resting !== null || turning.size > 0 });
const REST = 250; // milliseconds
let socket = null;
let number = 0; // of the last message that asks for a picture
let waiting = 0; // number of the message whose picture is on its way; 0 for none
let sent = {}; // the knob that was turned last, and where to
let resting = null; // timer, after which the address is written
let released = false; // a hand let go of it while its picture was on its way, and the server is not told yet
const turning = new Map(); // knobs that moved meanwhile: of each only the last position counts

export function send(message) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

export function turn(name, value, done, at) {
  const before = turning.get(name);
  if (done && !before && sent.name === name && sent.value === value) { // it is shown already, or about to be
    released = true;
    flush();
    return;
  }
  turning.delete(name);
  turning.set(name, { turn: name, value, done: done || (before?.done ?? false), at: before?.at ?? at });
  flush();
}

function flush() {
  if (waiting || socket?.readyState !== WebSocket.OPEN) return;
  if (released) { // only now: the answer must not overtake the picture, which does not know of it
    released = false;
    send({ keep: true });
  }
  if (!turning.size) return;
  const [name, message] = turning.entries().next().value;
  turning.delete(name);
  waiting = ++number;
  sent = { name, value: message.value };
  send({ ...message, seq: number });
}

function connect() {
  socket = new WebSocket(`ws://${location.host}/stream/${page.token}`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => { page.open = true; waiting = 0; flush(); };
  socket.onmessage = (event) => receive(event.data);
  socket.onclose = (event) => {
    page.open = false;
    if (event.code === 4404) location.reload(); // the server was started anew and does not know this page
    else setTimeout(connect, 1000);
  };
}

function receive(data) {
  const length = new DataView(data).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  const pixels = new Uint8ClampedArray(data, 4 + length);
  if (header.kind === "play") show(header, pixels);
  else if (header.kind === "about") about(header);
  else if (header.kind === "walk") paintWalk(header, pixels);
  else if (header.kind === "map") paintMap(header);
  else if (header.kind === "surface") paintSurface(header);
  else if (header.kind === "score") document.getElementById("score").innerHTML = header.svg;
  (header.told ?? []).forEach(tell);
}

function show(header, pixels) {
  if (header.show !== "nothing") paintStage(header, pixels);
  page.last = header;
  if (header.seq && header.seq === waiting) {
    const drawn = performance.now() - header.at;
    const entry = { seq: header.seq, drawn, painted: null };
    page.log.push(entry);
    // A message that is posted in the frame's callback arrives when that frame was painted.
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => { entry.painted = performance.now() - header.at; };
      channel.port2.postMessage(0);
    });
    waiting = 0;
  }
  follow(header);
  flush();
  about(header);
}

function about(header) {
  if (!page.last) return;
  Object.assign(page.last, { ...header, kind: page.last.kind });
  setKnobs(page.last);
  if (header.address) {
    clearTimeout(resting);
    resting = setTimeout(writeAddress, REST);
  }
}

// Once the hand rests: with every new address a browser fetches the page's icon again.
function writeAddress() {
  clearTimeout(resting);
  resting = null;
  const tab = document.body.dataset.tab;
  if (page.last.address) history.replaceState(null, "", `?${page.last.address}${tab && tab !== "play" ? `&tab=${tab}` : ""}`);
  if (tab === "walk" && !page.steps) page.walk("show"); // it begins from what is in focus
}
for (const leaves of ["blur", "beforeunload"]) window.addEventListener(leaves, () => resting !== null && writeAddress());

function tell(text) {
  const place = document.getElementById("told");
  place.textContent = text;
  place.classList.add("seen");
  clearTimeout(tell.timer);
  tell.timer = setTimeout(() => place.classList.remove("seen"), 9000);
}

// --- knobs: the server says where they are, except the one that a hand is on ---------------------------------------------

let held = null; // the input that a hand is on

function setKnobs(header) {
  for (const knob of document.querySelectorAll("[data-knob]")) {
    const name = knob.dataset.knob;
    const is_dial = name in header.dials;
    const value = is_dial ? header.dials[name] : header.values[name];
    const is_held = is_dial ? value > 0 : header.held.includes(name);
    knob.classList.toggle("held", is_held);
    const lock = knob.querySelector(".lock");
    if (lock) {
      const locked = header.locked.includes(name);
      mark(lock, "aria-pressed", locked);
      write(lock.querySelector("i"), locked ? "lock" : "lock_open");
    }
    const range = knob.querySelector("input[type=range]");
    const said = is_dial ? value.toFixed(2) : is_held || header.said[name] ? header.said[name] : "";
    if (range) {
      if (range !== held && Number(range.value) !== value) range.value = value ?? range.min;
      const text = said || "as it is";
      write(knob.querySelector("output"), text);
      mark(range, "aria-valuetext", text);
    }
    for (const choice of knob.querySelectorAll("[data-choice]")) {
      const asked = is_held ? String(value) : "";
      const is_it = choice.dataset.choice === asked || (asked !== "" && choice.dataset.choice === `${Number(asked)}`);
      mark(choice, "aria-checked", is_it);
    }
    const select = knob.querySelector("select");
    if (select && select !== held) select.value = is_held ? String(value) : "";
  }
  for (const [key, can] of [["z", header.can[0]], ["y", header.can[1]]]) {
    const button = document.querySelector(`[data-key="${key}"]`);
    if (button) button.toggleAttribute("data-off", !can);
  }
  mark(document.querySelector('[data-key="a"]'), "aria-pressed", header.original);
}

document.addEventListener("input", (event) => {
  const knob = event.target.closest?.("[data-knob]");
  if (knob && event.target.type === "range") {
    held = event.target;
    turn(knob.dataset.knob, Number(event.target.value), false, event.timeStamp);
  } else if (event.target.id === "between") {
    turn("/between", Number(event.target.value), false, event.timeStamp);
  }
});
document.addEventListener("change", (event) => {
  const knob = event.target.closest?.("[data-knob]");
  if (knob && event.target.type === "range") {
    turn(knob.dataset.knob, Number(event.target.value), true, event.timeStamp);
    held = null;
  } else if (knob && event.target.tagName === "SELECT") {
    turn(knob.dataset.knob, event.target.value || null, true, event.timeStamp);
  } else if (event.target.id === "between") {
    turn("/between", Number(event.target.value), true, event.timeStamp);
  }
});
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button");
  const knob = button?.closest("[data-knob]");
  if (!knob) return;
  const name = knob.dataset.knob;
  if (button.classList.contains("lock")) send({ lock: name });
  else if (button.classList.contains("free")) turn(name, name in (page.last?.dials ?? {}) ? 0 : null, true, event.timeStamp);
  else if (button.dataset.choice !== undefined) turn(name, button.dataset.choice || null, true, event.timeStamp);
});
document.addEventListener("dblclick", (event) => {
  const knob = event.target.closest?.("[data-knob]");
  if (knob && event.target.type === "range") knob.querySelector(".free").click();
});

// --- the keyboard presses the buttons that are there ----------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=range], [readonly]), textarea, select, [contenteditable], .q-dialog");
  const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
  const choosing = event.target.getAttribute?.("aria-expanded") === "true"; // a list is open
  if (typing || choosing || event.altKey || ((event.ctrlKey || event.metaKey) && !undo)) return;
  if (event.key.startsWith("Arrow") && event.target.closest?.("[role=radiogroup]")) { choose(event); return; }
  let key = undo ? (event.shiftKey ? "y" : "z") : event.key.toLowerCase();
  if (key === " " && event.target.closest?.("button:not(.look), a, [role=tab], input[readonly]")) return; // it presses that
  if (/^[1-9]$/.test(key)) { send({ look: Number(key) - 1 }); event.stopPropagation(); return; }
  const button = document.querySelector(`[data-key="${CSS.escape(key === " " ? "space" : key)}"]`);
  if (button && button.offsetParent !== null) { event.preventDefault(); event.stopPropagation(); button.click(); }
}, true); // before a list that was chosen from takes the key for itself

// In a group of choices the arrows go from one to the next, as in any other.
function choose(event) {
  const choices = [...event.target.closest("[role=radiogroup]").querySelectorAll("[role=radio]")];
  const by = event.key === "ArrowRight" || event.key === "ArrowDown" ? 1 : -1;
  const next = choices[(choices.indexOf(event.target) + by + choices.length) % choices.length];
  event.preventDefault();
  next.focus();
  next.click();
}

// --- files that are dropped or chosen ---------------------------------------------------------------------------------------

export async function bring(file) {
  if (!file) return;
  const words = new URLSearchParams({ name: file.name });
  document.body.classList.add("bringing");
  try {
    const answer = await fetch(`/bring/${page.token}?${words}`, { method: "POST", body: file });
    if (!answer.ok) tell((await answer.text()) || "The file was refused.");
  } catch {
    tell(`${file.name} could not be sent: it is too large, or the studio was closed.`);
  } finally {
    document.body.classList.remove("bringing");
  }
}
document.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dropping"); });
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  bring(event.dataTransfer.files[0]);
});
document.addEventListener("change", (event) => {
  if (event.target.id !== "file") return;
  bring(event.target.files[0]);
});
page.choose = () => {
  const input = document.getElementById("file");
  input.value = ""; // so that the same file may be chosen again
  input.click();
};

// --- begin, once the page is there --------------------------------------------------------------------------------------------

page.tab = (name) => {
  document.body.dataset.tab = name;
  const words = new URLSearchParams(location.search);
  if (name === "play") words.delete("tab"); else words.set("tab", name);
  history.replaceState(null, "", `?${words}`);
  send({ tab: name });
  requestAnimationFrame(again);
};
const again = () => { repaint(); repaintMap(); };
page.send = send;
function begin() {
  if (!document.getElementById("stage")) { requestAnimationFrame(begin); return; }
  new MutationObserver(() => page.last && setKnobs(page.last)).observe(document.querySelector("#knobs > *"), { childList: true });
  new ResizeObserver(repaint).observe(document.getElementById("stage"));
  new ResizeObserver(repaintMap).observe(document.getElementById("map"));
  new MutationObserver(again).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  connect();
}
begin();
