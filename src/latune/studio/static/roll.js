// A piano-roll: time to the right, pitch upwards; notes outside of the rule are red.
const BLACK = new Set([1, 3, 6, 8, 10]);
const KEYS = 26; // pixels of the names of pitches
export const rolls = []; // of each canvas on the stage: where time is

export function colour(name) {
  return getComputedStyle(document.body).getPropertyValue(name).trim();
}

export function paintRoll(canvas, header, i) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth || 300, height = canvas.clientHeight || 150;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const length = header.lengths[i] || 4;
  let low = header.low - 1, high = header.high + 1;
  while (high - low < 12) { low--; high++; }
  const across = (width - KEYS) / length, row = height / (high - low + 1);
  const x = (time) => KEYS + time * across, y = (pitch) => (high - pitch) * row;
  rolls[i] = { canvas, x, length, width, height };
  pen.fillStyle = colour("--paper");
  pen.fillRect(0, 0, width, height);
  for (let pitch = low; pitch <= high; pitch++) {
    if (BLACK.has(((pitch % 12) + 12) % 12)) {
      pen.fillStyle = colour("--panel");
      pen.fillRect(KEYS, y(pitch), width, row);
    }
    if (pitch % 12 === 0) {
      pen.fillStyle = colour("--soft");
      pen.font = "10px sans-serif";
      pen.textBaseline = "middle";
      pen.fillText(`C${pitch / 12 - 1}`, 4, y(pitch) + row / 2);
      pen.fillStyle = colour("--grid");
      pen.fillRect(KEYS, y(pitch) + row, width, 1);
    }
  }
  for (let time = 0; time <= length + 1e-6; time += 1) {
    const is_bar = Math.abs(time / header.bar - Math.round(time / header.bar)) < 1e-6;
    if (!is_bar && across < 6) continue;
    pen.fillStyle = colour(is_bar ? "--rule" : "--grid");
    pen.fillRect(Math.min(x(time), width - 1), 0, 1, height);
  }
  for (const [pitch, start, duration, wrong] of header.notes[i]) {
    pen.fillStyle = colour(wrong ? "--wrong" : "--accent");
    const left = x(start) + 1, wide = Math.max(2, duration * across - 2);
    pen.beginPath();
    pen.roundRect(left, y(pitch) + 0.5, wide, Math.max(2, row - 1), Math.min(3, row / 3));
    pen.fill();
  }
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Piano-roll: ${header.notes[i].length} notes`);
}
