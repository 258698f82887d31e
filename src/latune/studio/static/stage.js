// The samples side by side: pixels on canvases, or notes on piano-rolls.
import { send } from "./studio.js";
import { paintRoll } from "./roll.js";

const page = window.latune;
export const TINY = 12; // pixels of a side, up to which an image is enlarged smoothly
let shown = null; // header and pixels of what is on the stage

export function paintStage(header, pixels) {
  shown = { header, pixels };
  const stage = document.getElementById("stage");
  const tiles = tilesFor(stage, header);
  if (header.show === "images") paintImages(tiles, header, pixels);
  else tiles.forEach((tile, i) => paintRoll(tile.querySelector("canvas"), header, i));
}

export function repaint() {
  if (shown?.header.show === "melodies") paintStage(shown.header, shown.pixels);
}

function tilesFor(stage, header) {
  while (stage.children.length > header.n) stage.lastChild.remove();
  while (stage.children.length < header.n) stage.append(newTile(stage.children.length));
  mark(stage, "data-n", header.n);
  mark(stage, "data-show", header.show);
  const tiles = [...stage.children];
  tiles.forEach((tile, i) => {
    const focus = i === header.focus;
    tile.classList.toggle("focus", focus);
    const liked = header.marks?.[i] ?? 0;
    tile.classList.toggle("liked", liked > 0);
    tile.classList.toggle("disliked", liked < 0);
    mark(tile.querySelector(".look"), "aria-pressed", focus);
    mark(tile.querySelector(".like"), "aria-pressed", liked > 0);
    mark(tile.querySelector(".dislike"), "aria-pressed", liked < 0);
  });
  return tiles;
}

// What is written again is laid out again, also where it says the same.
export function mark(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function newTile(i) {
  const tile = document.createElement("div");
  tile.className = "tile";
  tile.innerHTML =
    `<button class="look" aria-label="Sample ${i + 1}"><canvas></canvas></button>` +
    `<div class="judge"><button class="like" aria-label="Like sample ${i + 1}"><i class="material-icons" aria-hidden="true">thumb_up</i></button>` +
    `<button class="dislike" aria-label="Dislike sample ${i + 1}"><i class="material-icons" aria-hidden="true">thumb_down</i></button></div>`;
  tile.querySelector(".look").onclick = () => send({ look: i });
  tile.querySelector(".like").onclick = () => send({ judge: i, good: true });
  tile.querySelector(".dislike").onclick = () => send({ judge: i, good: false });
  return tile;
}

function paintImages(tiles, { h, w, c, cells }, pixels) {
  tiles.forEach((tile, i) => {
    const canvas = tile.querySelector("canvas");
    canvas.style.imageRendering = Math.max(...cells) <= TINY ? "auto" : "pixelated";
    putPixels(canvas, h, w, c, pixels.subarray(i * h * w * c, (i + 1) * h * w * c));
  });
}

export function putPixels(canvas, h, w, c, pixels) {
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  const context = canvas.getContext("2d", { willReadFrequently: true }); // pixels come from the processor
  const image = context.createImageData(w, h);
  const data = image.data;
  for (let k = 0, from = 0; k < h * w; k++, from += c) {
    const to = 4 * k;
    data[to] = pixels[from];
    data[to + 1] = pixels[c === 1 ? from : from + 1];
    data[to + 2] = pixels[c === 1 ? from : from + 2];
    data[to + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

page.pixels = (i) => {
  const canvas = document.querySelectorAll("#stage canvas")[i];
  return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
};
