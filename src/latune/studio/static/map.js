// The map of the codes, coloured by an attribute, and the surface of one over two coordinates. A click goes there.
import { colour } from "./roll.js";
import { send } from "./studio.js";

const LIGHT = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]; // even in lightness
const DARK = [[126, 78, 170], [86, 112, 176], [33, 145, 140], [94, 201, 98], [253, 231, 37]]; // to be seen on black
const stops = () => (document.body.classList.contains("body--dark") ? DARK : LIGHT);
const EDGE = 40; // pixels around the field
let shown = null;
let aim = null; // where the keyboard's cross is, [x, y] from 0 to 1

function shade(share) {
  const of = stops(), at = Math.min(0.9999, Math.max(0, share)) * (of.length - 1), i = Math.floor(at);
  return `rgb(${of[i].map((each, k) => Math.round(each + (of[i + 1][k] - each) * (at - i)))})`;
}

function prepared() {
  const canvas = document.getElementById("map");
  const ratio = window.devicePixelRatio || 1;
  canvas.width = canvas.clientWidth * ratio;
  canvas.height = canvas.clientHeight * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  const box = { left: EDGE, top: 14, wide: canvas.clientWidth - EDGE - 14, high: canvas.clientHeight - EDGE - 14 };
  return { canvas, pen, box };
}

function axes(pen, box, header) {
  pen.strokeStyle = colour("--grid");
  pen.strokeRect(box.left, box.top, box.wide, box.high);
  pen.fillStyle = colour("--soft");
  pen.font = "12px sans-serif";
  pen.textAlign = "center";
  pen.fillText(header.names[0], box.left + box.wide / 2, box.top + box.high + 26);
  for (const [i, value] of [[0, header.x[0]], [1, header.x[1]]]) pen.fillText(value.toFixed(1), box.left + i * box.wide, box.top + box.high + 14);
  pen.textAlign = "right";
  for (const [i, value] of [[1, header.y[0]], [0, header.y[1]]]) pen.fillText(value.toFixed(1), box.left - 5, box.top + i * box.high + (i ? 0 : 9));
  pen.textAlign = "center";
  pen.save();
  pen.translate(12, box.top + box.high / 2);
  pen.rotate(-Math.PI / 2);
  pen.fillText(header.names[1], 0, 0);
  pen.restore();
  pen.textAlign = "left";
}

function legend(header) {
  const place = document.getElementById("legend");
  const shades = stops().map((each) => `rgb(${each})`).join(",");
  place.innerHTML = "";
  if (!header.colour) return;
  const ends = [header.ends[0], header.ends[1]].map((text) => Object.assign(document.createElement("span"), { textContent: text }));
  const bar = Object.assign(document.createElement("div"), { className: "scale" });
  bar.style.background = `linear-gradient(to right, ${shades})`;
  const name = Object.assign(document.createElement("b"), { textContent: header.colour });
  place.append(name, ends[0], bar, ends[1]);
}

export function paintMap(header) {
  shown = header;
  const { canvas, pen, box } = prepared();
  axes(pen, box, header);
  header.points.forEach(([x, y], i) => {
    const value = header.values[i];
    pen.fillStyle = !header.colour ? colour("--accent") : value === null ? colour("--rule") : shade(value);
    pen.beginPath();
    pen.arc(box.left + x * box.wide, box.top + (1 - y) * box.high, 3, 0, 7);
    pen.fill();
  });
  here(pen, box, header);
  legend(header);
  cross(canvas, pen, box, header);
  canvas.dataset.points = header.points.length;
}

export function paintSurface(header) {
  shown = header;
  const { canvas, pen, box } = prepared();
  const n = header.side;
  header.values.forEach((value, k) => {
    const column = k % n, row = Math.floor(k / n);
    pen.fillStyle = value === null ? colour("--panel") : shade(value);
    pen.fillRect(box.left + (column / n) * box.wide, box.top + (1 - (row + 1) / n) * box.high, box.wide / n + 1, box.high / n + 1);
  });
  axes(pen, box, header);
  here(pen, box, header);
  legend(header);
  cross(canvas, pen, box, header);
  canvas.dataset.side = n;
}

function here(pen, box, header) {
  if (!header.here) return;
  const [x, y] = header.here;
  pen.strokeStyle = colour("--wrong");
  pen.lineWidth = 2;
  pen.beginPath();
  pen.arc(box.left + x * box.wide, box.top + (1 - y) * box.high, 7, 0, 7);
  pen.stroke();
  pen.lineWidth = 1;
}

function cross(canvas, pen, box, header) {
  if (!aim) return;
  const x = box.left + aim[0] * box.wide, y = box.top + (1 - aim[1]) * box.high;
  const along = ([low, high], share) => (low + share * (high - low)).toFixed(2);
  const said = `${header.names[0]} ${along(header.x, aim[0])}, ${header.names[1]} ${along(header.y, aim[1])}`;
  const place = [said, x + (aim[0] > 0.6 ? -8 : 8), y + (aim[1] > 0.9 ? 18 : -8)];
  pen.beginPath();
  for (const [dx, dy] of [[10, 0], [0, 10]]) { pen.moveTo(x - dx, y - dy); pen.lineTo(x + dx, y + dy); }
  pen.textAlign = aim[0] > 0.6 ? "right" : "left";
  for (const [name, wide] of [["--paper", 4], ["--ink", 1]]) { // with a rim, to be seen on any shade
    pen.strokeStyle = pen.fillStyle = colour(name);
    pen.lineWidth = wide;
    pen.stroke();
    if (wide > 1) pen.strokeText(...place); else pen.fillText(...place);
  }
  pen.textAlign = "left";
  canvas.setAttribute("aria-label", `${canvas.dataset.name}. The cross is at ${said}.`);
}

// By the keyboard: arrows move a cross, with Shift in longer steps; Enter and Space go there.
const MOVES = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
document.addEventListener("keydown", (event) => {
  const move = MOVES[event.key], goes = [" ", "Enter"].includes(event.key);
  if (event.target.id !== "map" || !shown || (!move && !goes) || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  event.stopImmediatePropagation(); // no other key of the page is meant
  aim ??= shown.here ? [...shown.here] : [0.5, 0.5];
  if (move) aim = aim.map((each, k) => Math.min(1, Math.max(0, each + move[k] * (event.shiftKey ? 0.1 : 0.02))));
  else send({ map: aim, of: shown.kind });
  repaintMap();
}, true);
document.addEventListener("focusout", (event) => {
  if (event.target.id !== "map") return;
  aim = null;
  event.target.setAttribute("aria-label", event.target.dataset.name);
  repaintMap();
});

document.addEventListener("click", (event) => {
  if (event.target.id !== "map" || !shown) return;
  const area = event.target.getBoundingClientRect();
  const wide = area.width - EDGE - 14, high = area.height - EDGE - 14;
  const x = (event.clientX - area.left - EDGE) / wide, y = 1 - (event.clientY - area.top - 14) / high;
  if (x >= 0 && x <= 1 && y >= 0 && y <= 1) send({ map: [x, y], of: shown.kind });
});
export function repaintMap() {
  if (shown && document.getElementById("map").clientWidth) (shown.kind === "map" ? paintMap : paintSurface)(shown);
}
