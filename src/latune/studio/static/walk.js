// The walk's canvas, and the mask that is painted over it: what is painted is held.
import { TINY, putPixels } from "./stage.js";
import { send } from "./studio.js";

const page = window.latune;
let size = null; // rows and columns of the mask
let cells = null; // 1 where the picture is held
let erasing = false;
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
  pen.putImageData(image, 0, 0);
}

function listen(canvas) {
  const dab = (event) => {
    const box = canvas.getBoundingClientRect();
    const column = ((event.clientX - box.left) / box.width) * size.w, row = ((event.clientY - box.top) / box.height) * size.h;
    const reach = page.brush / 2;
    for (let r = Math.floor(row - reach); r <= row + reach; r++)
      for (let k = Math.floor(column - reach); k <= column + reach; k++) {
        const near = Math.hypot(r + 0.5 - row, k + 0.5 - column) <= Math.max(reach, 0.75);
        if (near && r >= 0 && k >= 0 && r < size.h && k < size.w) cells[r * size.w + k] = erasing ? 0 : 1;
      }
    paintMask();
  };
  canvas.onpointerdown = (event) => { erasing = event.button === 2 || event.shiftKey || page.erase; canvas.setPointerCapture(event.pointerId); dab(event); };
  canvas.onpointermove = (event) => { if (event.buttons) dab(event); };
  canvas.onpointerup = () => page.walk("mask");
  canvas.oncontextmenu = (event) => event.preventDefault();
}

// The mask goes along with every message, as one letter a cell.
page.speed = 8; // steps a second
page.walk = (what, more = {}) => {
  page.speed = more.speed ?? page.speed;
  send({ walk: what, mask: cells ? String.fromCharCode(...cells.map((each) => 48 + each)) : null, speed: page.speed, ...more });
};
page.fillMask = (value) => { if (cells) { cells.fill(value); paintMask(); page.walk("mask"); } };
