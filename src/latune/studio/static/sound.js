// Playback by the browser's own WebAudio, from the notes; a cursor on the piano-roll follows the sound's clock.
import { rolls } from "./roll.js";
import { send } from "./studio.js";

const page = window.latune;
const AHEAD = 0.12; // seconds that are scheduled before they sound
const player = { context: null, notes: [], playing: false, loop: false, tempo: 120, all: false, scheduled: [] };
page.sound = player;
let next = 0; // the note that is scheduled next
let began = 0; // the clock when the melody began
let length = 4; // quarter notes
let parts = []; // of several melodies played in turn: where each begins, in quarter notes
let voices = [];
let timer = null;

export function follow(header) {
  if (header.show !== "melodies") return;
  if (document.activeElement?.id !== "tempo") setTempo(header.tempo); // else somebody may be typing
  take(header);
}

function take(header) {
  const chosen = player.all ? header.notes.map((_, i) => i) : [Math.min(header.focus, header.n - 1)];
  const wanted = [];
  const places = [];
  let at = 0;
  for (const i of chosen) {
    places.push({ roll: i, at, length: header.lengths[i] });
    for (const [pitch, start, duration, wrong] of header.notes[i]) wanted.push({ pitch, start: at + start, duration, wrong });
    at += header.lengths[i];
  }
  player.notes = wanted;
  parts = places;
  length = at;
  if (player.playing) restartAt(position());
}

const second = () => 60 / player.tempo;
const position = () => (player.context.currentTime - began) / second();

export function start() {
  if (!player.notes.length && !length) return;
  player.context ??= new AudioContext();
  player.context.resume();
  player.playing = true;
  player.scheduled = [];
  restartAt(0);
  timer ??= setInterval(schedule, 25);
  button();
  requestAnimationFrame(cursor);
}

export function stop() {
  player.playing = false;
  clearInterval(timer);
  timer = null;
  hush();
  button();
}

function restartAt(quarter) {
  hush();
  began = player.context.currentTime + 0.05 - quarter * second();
  next = player.notes.findIndex((note) => note.start >= quarter - 1e-6);
  if (next < 0) next = player.notes.length;
  schedule();
}

function schedule() {
  if (!player.playing) return;
  const until = player.context.currentTime + AHEAD;
  while (next < player.notes.length && began + player.notes[next].start * second() < until) sound(player.notes[next++]);
  if (next >= player.notes.length && position() >= length - AHEAD / second()) {
    if (player.loop) { began += length * second(); next = 0; }
    else if (position() >= length) stop();
  }
}

function sound({ pitch, start, duration }) {
  const { context } = player;
  const at = Math.max(began + start * second(), context.currentTime), lasts = duration * second();
  const frequency = 440 * 2 ** ((pitch - 69) / 12);
  const loud = context.createGain();
  loud.gain.setValueAtTime(0, at);
  loud.gain.linearRampToValueAtTime(0.22, at + 0.012);
  loud.gain.exponentialRampToValueAtTime(0.08, at + Math.max(0.03, lasts * 0.8));
  loud.gain.linearRampToValueAtTime(0, at + lasts + 0.04);
  loud.connect(context.destination);
  for (const [times, share, shape] of [[1, 1, "triangle"], [2, 0.18, "sine"]]) {
    const voice = context.createOscillator(), part = context.createGain();
    voice.type = shape;
    voice.frequency.value = frequency * times;
    part.gain.value = share;
    voice.connect(part).connect(loud);
    voice.start(at);
    voice.stop(at + lasts + 0.06);
    voice.onended = () => { voices = voices.filter((each) => each !== voice); };
    voices.push(voice);
  }
  player.scheduled.push({ pitch, frequency, start, duration });
}

function hush() {
  for (const voice of voices) { try { voice.stop(); } catch { /* it has ended */ } }
  voices = [];
}

function cursor() {
  document.querySelectorAll(".cursor").forEach((line) => line.remove());
  if (!player.playing) return;
  const now = Math.max(0, position() % length);
  page.cursor = now;
  const part = parts.find((each) => now >= each.at && now < each.at + each.length) ?? parts[0];
  const roll = part && rolls[part.roll];
  if (roll) {
    const line = document.createElement("div");
    line.className = "cursor";
    line.style.left = `${roll.canvas.offsetLeft + roll.x(now - part.at)}px`;
    roll.canvas.parentElement.append(line);
  }
  requestAnimationFrame(cursor);
}

function button() {
  const place = document.querySelector('[data-key="space"]');
  if (place) { place.setAttribute("aria-pressed", player.playing); place.querySelector("i").textContent = player.playing ? "stop" : "play_arrow"; }
}

function setTempo(value) {
  const here = player.playing ? position() : 0;
  player.tempo = Math.min(300, Math.max(30, Number(value) || 120));
  const field = document.getElementById("tempo");
  if (field && Number(field.value) !== player.tempo) field.value = player.tempo;
  if (player.playing) restartAt(here);
}

document.addEventListener("click", (event) => {
  const pressed = event.target.closest?.("[data-sound]");
  if (!pressed) return;
  if (pressed.dataset.sound === "play") { if (player.playing) stop(); else start(); return; }
  const on = !player[pressed.dataset.sound];
  player[pressed.dataset.sound] = on;
  pressed.setAttribute("aria-pressed", on);
  if (page.last) take(page.last);
});
document.addEventListener("change", (event) => {
  if (event.target.id !== "tempo") return;
  const own = event.target.value === ""; // emptied: the melodies' own
  if (own) event.target.blur(); else setTempo(event.target.value);
  send({ tempo: own ? 0 : player.tempo });
});
