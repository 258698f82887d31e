// The walk's canvas, and the mask that is painted over it: what is painted is held.
import { TINY, putPixels } from "./stage.js";
import { send } from "./studio.js";

const page = window.latune;
let size = null; // rows and columns of the mask
let cells = null; // 1 where the picture is held
let erasing = false;
let at = null; // the cell that the keyboard's brush is on, [row, column]
page.brush = 2; // cells

export function paintWalk(header, pixels) {
  const { h, w, c } = header;
  const [rows, columns] = header.cells; // of the model: a tiny picture is sent enlarged
  if (!size || size.h !== rows || size.w !== columns) {
    size = { h: rows, w: columns };
    cells = new Uint8Array(rows * columns);
    listen(document.getElementById("mask"));
  }
  const canvas = document.getElementById("walk");
  canvas.style.imageRendering = Math.max(rows, columns) <= TINY ? "auto" : "pixelated";
  putPixels(canvas, h, w, c, pixels);
  document.getElementById("steps").textContent = `step ${header.step}`;
  page.steps = header.step;
  paintMask();
}

function paintMask() {
  const canvas = document.getElementById("mask");
  const { h, w } = size;
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(w, h);
  for (let k = 0; k < h * w; k++) if (cells[k]) image.data.set([240, 150, 60, 110], 4 * k);
  if (at) for (const k of under(at[0] + 0.5, at[1] + 0.5)) image.data.set([60, 130, 230, cells[k] ? 200 : 140], 4 * k);
  pen.putImageData(image, 0, 0);
}

// The cells that the brush covers.
function under(row, column) {
  const reach = page.brush / 2, found = [];
  for (let r = Math.floor(row - reach); r <= row + reach; r++)
    for (let k = Math.floor(column - reach); k <= column + reach; k++) {
      const near = Math.hypot(r + 0.5 - row, k + 0.5 - column) <= Math.max(reach, 0.75);
      if (near && r >= 0 && k >= 0 && r < size.h && k < size.w) found.push(r * size.w + k);
    }
  return found;
}

function listen(canvas) {
  const dab = (event) => {
    const box = canvas.getBoundingClientRect();
    const column = ((event.clientX - box.left) / box.width) * size.w, row = ((event.clientY - box.top) / box.height) * size.h;
    for (const k of under(row, column)) cells[k] = erasing ? 0 : 1;
    paintMask();
  };
  canvas.onpointerdown = (event) => { erasing = event.button === 2 || event.shiftKey || page.erase; canvas.setPointerCapture(event.pointerId); dab(event); };
  canvas.onpointermove = (event) => { if (event.buttons) dab(event); };
  canvas.onpointerup = () => page.walk("mask");
  canvas.oncontextmenu = (event) => event.preventDefault();
  canvas.onkeydown = press;
  canvas.onfocus = () => { if (canvas.matches(":focus-visible")) { at ??= [size.h >> 1, size.w >> 1]; paintMask(); } };
  canvas.onblur = () => { at = null; paintMask(); };
}

// The same by the keyboard: arrows move the brush, Space and Enter paint, Backspace and Delete erase.
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
function press(event) {
  const move = MOVES[event.key], paints = [" ", "Enter"].includes(event.key), erases = ["Backspace", "Delete"].includes(event.key);
  if ((!move && !paints && !erases) || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  event.stopPropagation(); // no other key of the page is meant
  at ??= [size.h >> 1, size.w >> 1];
  if (move) at = [Math.min(size.h - 1, Math.max(0, at[0] + move[0])), Math.min(size.w - 1, Math.max(0, at[1] + move[1]))];
  else for (const k of under(at[0] + 0.5, at[1] + 0.5)) cells[k] = paints && !page.erase ? 1 : 0;
  paintMask();
  if (!move) page.walk("mask");
}

// The mask goes along with every message, as one letter a cell.
page.speed = 8; // steps a second
page.walk = (what, more = {}) => {
  page.speed = more.speed ?? page.speed;
  send({ walk: what, mask: cells ? String.fromCharCode(...cells.map((each) => 48 + each)) : null, speed: page.speed, ...more });
};
page.fillMask = (value) => { if (cells) { cells.fill(value); paintMask(); page.walk("mask"); } };
