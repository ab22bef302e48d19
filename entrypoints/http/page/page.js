// The page: puts its parts together, and speaks.

import { AddVoice } from "./add-voice.js";
import { bytesOf, onKeyNeeded, speechEvents } from "./api.js";
import { Delivery } from "./delivery.js";
import { showEngine } from "./engine.js";
import { allow, announce, byId, clearProblems, inSeconds, showProblem } from "./fields.js";
import { askForKey } from "./key.js";
import { locate, Marks } from "./marks.js";
import { Player } from "./player.js";
import { PlayerBar } from "./player-bar.js";
import { PcmReader, RATE_HZ, Samples } from "./samples.js";
import { Takes } from "./takes.js";
import { Voices } from "./voices.js";

const CHARACTERS_A_SECOND = 15; // of ordinary speech: how far the waveform is laid out
const FIELD_OF = {
  input: "text",
  text: "text",
  voice: "voice",
  speaker_voice: "voice",
  instructions: "emo_text",
  use_emo_text: "emo_text",
};

const text = byId("text");
const player = new Player();
const bar = new PlayerBar(player);
const marks = new Marks(byId("marks"), text);
const voices = new Voices(player);
const delivery = new Delivery();
const takes = new Takes({ onPlay: hear, onReuse: reuse });
let speaking = null; // the AbortController of the speech that is being spoken
let shown = null; // the take in the player
let markedChunk = null;

new AddVoice(player, async (name) => {
  await voices.refresh();
  voices.chosen = name;
});
onKeyNeeded(async (problem) => {
  const key = await askForKey(problem);
  if (key) setTimeout(showEngine, 0, limit); // it may tell more when it gets the key
  return key;
});

byId("speech").addEventListener("submit", (event) => {
  event.preventDefault();
  if (document.body.dataset.state === "idle") speak();
  else stop();
});
byId("again").addEventListener("click", () => speak());
text.addEventListener("input", () => {
  showCount();
  showProblem("text", "");
  marks.show(null);
});
player.addEventListener("progress", () => markHeard());
player.addEventListener("change", () => {
  if (!player.isPlaying && !speaking) become("idle");
  if (!player.isPlaying) markHeard();
});
document.addEventListener("keydown", (event) => {
  if (byId("add-voice").open || byId("key").open) return;
  const isOnField = event.target.closest("input, textarea, select, button, a");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) speak();
  else if (event.key === "Escape") stop();
  else if (event.key === " " && !isOnField) bar.toggle();
  else return;
  event.preventDefault();
});

/** Show `idle`, `waiting`, `speaking`, or `playing`: spoken, but not heard to its end. */
function become(state) {
  document.body.dataset.state = state;
  byId("speak").querySelector("span").textContent = state === "idle" ? "Speak" : "Stop";
}

async function speak() {
  stop({ isSilent: true });
  clearProblems(byId("speech"));
  showGeneral(null);
  const wrong = text.value.trim() ? delivery.problem() : ["text", "Write what to speak."];
  if (wrong) {
    refuse(...wrong);
    return;
  }
  const fields = { input: text.value, voice: voices.chosen, ...delivery.fields() };
  const take = { fields, samples: new Samples(), chunks: [], end: 0 };
  take.expected = fields.input.length / CHARACTERS_A_SECOND / fields.speed;
  const abort = new AbortController();
  speaking = abort;
  become("waiting");
  announce("Waiting for the first sound");
  try {
    await player.unlock();
    await receive(take, abort);
    announce(`Spoken: ${inSeconds(take.samples.seconds)}`);
    takes.add(take);
  } catch (error) {
    if (!abort.signal.aborted) fail(error);
  }
  if (speaking !== abort) return;
  speaking = null;
  if (shown === take) player.complete();
  take.expected = take.samples.seconds;
  bar.showSpoken();
  become(player.isPlaying ? "playing" : "idle");
}

async function receive(take, abort) {
  const began = performance.now();
  const pcm = new PcmReader();
  const elapsed = () => (performance.now() - began) / 1000;
  for await (const event of speechEvents(take.fields, abort.signal)) {
    if (abort.signal.aborted) return;
    if (event.type === "speech.audio.chunk") addChunk(take, event);
    if (event.type === "speech.audio.delta") {
      take.firstAfter ??= elapsed();
      const samples = pcm.read(bytesOf(event.audio));
      take.speed = (take.samples.seconds + samples.length / RATE_HZ) / elapsed();
      if (shown !== take) await begin(take);
      if (abort.signal.aborted) return;
      player.append(samples);
      bar.showSpoken();
    }
    if (event.type === "speech.audio.done" && event.segments) {
      take.chunks = [];
      take.end = 0;
      for (const segment of event.segments) addChunk(take, segment);
    }
  }
}

async function begin(take) {
  show(take);
  become("speaking");
  announce("Speaking");
  await player.load(take.samples, { isComplete: false });
}

function show(take) {
  shown = take;
  markedChunk = null;
  bar.show(take);
}

function addChunk(take, { text: words, start }) {
  const span = locate(take.fields.input, words, take.end);
  if (span) take.end = span[1];
  take.chunks.push({ words, start, span });
}

/** Mark the chunk that is heard, in the text as long as it is the one that was spoken. */
function markHeard() {
  const seconds = player.heard / RATE_HZ;
  const isHeard = shown && (player.isPlaying || speaking);
  const chunk = isHeard ? shown.chunks.findLast(({ start }) => start <= seconds) : null;
  if ((chunk?.start ?? null) === markedChunk) return;
  markedChunk = chunk?.start ?? null;
  bar.caption(chunk?.words ?? "");
  marks.show(chunk?.span && text.value === shown.fields.input ? chunk.span : null);
}

function stop({ isSilent = false } = {}) {
  player.pause();
  if (document.body.dataset.state === "idle") return;
  speaking?.abort();
  speaking = null;
  player.complete();
  if (shown) shown.expected = shown.samples.seconds;
  bar.showSpoken();
  markHeard();
  become("idle");
  if (!isSilent) announce("Stopped");
}

async function hear(take) {
  stop({ isSilent: true });
  show(take);
  await player.load(take.samples, { isComplete: true });
}

function reuse({ fields, number }) {
  text.value = fields.input;
  showCount();
  voices.chosen = fields.voice;
  delivery.restore(fields);
  announce(`The settings of take ${number} are chosen again`);
  text.focus();
}

function fail(error) {
  const id = FIELD_OF[error.param] ?? error.param;
  const field = id && byId(`${id}-problem`) ? byId(id) : null;
  if (field?.checkVisibility()) refuse(id, error.message);
  else showGeneral(error);
}

function refuse(id, message) {
  showProblem(id, message);
  byId(id).focus({ preventScroll: true });
  byId(`${id}-problem`).scrollIntoView({ block: "nearest" });
}

function showGeneral(error) {
  byId("problem").hidden = !error;
  byId("problem-words").textContent = error?.message ?? "";
  byId("again").hidden = !error?.canRetry;
  if (error) byId("problem").scrollIntoView({ block: "nearest" });
}

/** Offer no voices and no emotion, for `reason`; null offers them. */
function limit(reason) {
  voices.limit(reason);
  delivery.limit(reason);
  allow(byId("add"), reason);
}

function showCount() {
  const count = [...text.value].length;
  byId("count").textContent = `${count} character${count === 1 ? "" : "s"}`;
}

showCount();
showEngine(limit);
voices.refresh({ mayAsk: true }).catch((error) => showProblem("voice", error.message));
