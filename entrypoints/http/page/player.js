// Plays a take from any place on, also one that is still being spoken.

import { outputOf } from "./output.js";
import { RATE_HZ } from "./samples.js";

const TAIL_MS = 500; // sound that the device still has when the last sample is taken

/** Dispatches `change` when it starts, pauses or ends, and `progress` with every few samples. */
export class Player extends EventTarget {
  samples = null;
  isPlaying = false;
  heard = 0; // samples of the take, from its beginning

  #context = null;
  #send = null;
  #opening = null;
  #resting = 0;
  #run = 0;
  #base = 0;
  #isComplete = false;
  #preview = null;

  /** Make sound possible; browsers allow it only while a click or a key is handled. */
  async unlock() {
    this.#context ??= new AudioContext({ sampleRate: RATE_HZ, latencyHint: "interactive" });
    clearTimeout(this.#resting);
    const resumed = this.#context.resume();
    this.#opening ??= this.#open();
    await this.#opening;
    await resumed;
  }

  /** Take `samples` from their beginning; `isComplete` says that none will follow. */
  async load(samples, { isComplete }) {
    this.stopPreview();
    this.samples = samples;
    this.#isComplete = isComplete;
    this.#restart(0);
    await this.play();
  }

  append(samples) {
    this.samples.append(samples);
    this.#send?.({ run: this.#run, samples });
  }

  complete() {
    this.#isComplete = true;
    this.#send?.({ run: this.#run, end: true });
  }

  async play() {
    if (!this.samples) return;
    if (this.#isComplete && this.heard >= this.samples.length) this.#restart(0);
    await this.unlock();
    this.stopPreview();
    this.#send({ run: this.#run, pause: false });
    this.#become(true);
  }

  pause() {
    this.#send?.({ run: this.#run, pause: true });
    this.#become(false);
  }

  seek(seconds) {
    if (!this.samples) return;
    const wasPlaying = this.isPlaying;
    this.#restart(Math.min(Math.round(seconds * RATE_HZ), this.samples.length));
    if (wasPlaying) this.#send({ run: this.#run, pause: false });
  }

  /** Play a recording in a file's bytes; the promise ends when it was heard or stopped. */
  async preview(bytes) {
    this.pause();
    this.stopPreview();
    await this.unlock();
    const source = this.#context.createBufferSource();
    source.buffer = await this.#context.decodeAudioData(bytes);
    source.connect(this.#context.destination);
    this.stopPreview();
    this.#preview = source;
    const ended = new Promise((resolve) => source.addEventListener("ended", resolve));
    source.start();
    await ended;
    source.disconnect();
    if (this.#preview !== source) return;
    this.#preview = null;
    this.#restSoon();
  }

  stopPreview() {
    this.#preview?.stop();
    this.#preview = null;
  }

  async #open() {
    this.#send = await outputOf(this.#context, (report) => this.#follow(report));
    this.#fill();
  }

  #restart(start) {
    this.#run += 1;
    this.#base = start;
    this.heard = start;
    this.#fill();
    this.dispatchEvent(new Event("progress"));
  }

  #fill() {
    if (!this.samples) return;
    this.#send?.({
      run: this.#run,
      samples: this.samples.from(this.#base),
      end: this.#isComplete,
      pause: true,
    });
  }

  #follow({ run, taken, isDone }) {
    if (run !== this.#run) return;
    this.heard = this.#base + taken;
    this.dispatchEvent(new Event("progress"));
    if (isDone) this.#become(false);
  }

  #become(isPlaying) {
    if (this.isPlaying === isPlaying) return;
    this.isPlaying = isPlaying;
    if (!isPlaying) this.#restSoon();
    this.dispatchEvent(new Event("change"));
  }

  /** Let the sound device rest, once it has played what it has. */
  #restSoon() {
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => {
      if (!this.isPlaying && !this.#preview) this.#context.suspend();
    }, TAIL_MS);
  }
}
