// Plays samples as they come. The classes are apart from the processor: a page that may have no
// audio worklet, because it came without https, uses them itself.

const START_SAMPLES = 3600; // 0.15 s at 24 kHz: short gaps between two arrivals are not heard
const REPORT_SAMPLES = 1024;

export class SampleQueue {
  constructor() {
    this.clear();
  }

  clear() {
    this.pieces = [];
    this.offset = 0; // samples of the first piece that were taken
    this.waiting = 0; // samples that were not taken yet
    this.taken = 0;
    this.isEnded = false;
    this.isStarving = true;
  }

  push(samples) {
    this.pieces.push(samples);
    this.waiting += samples.length;
  }

  end() {
    this.isEnded = true;
  }

  get isDone() {
    return this.isEnded && this.waiting === 0;
  }

  /** Fill `output` with what there is, and with silence behind it. */
  take(output) {
    output.fill(0);
    if (this.isStarving && this.waiting < START_SAMPLES && !this.isEnded) return;
    this.isStarving = false;
    let filled = 0;
    while (filled < output.length && this.pieces.length > 0) {
      const [piece] = this.pieces;
      const count = Math.min(output.length - filled, piece.length - this.offset);
      for (let index = 0; index < count; index += 1) {
        output[filled + index] = piece[this.offset + index] / 32768;
      }
      filled += count;
      this.offset += count;
      if (this.offset === piece.length) {
        this.pieces.shift();
        this.offset = 0;
      }
    }
    this.taken += filled;
    this.waiting -= filled;
    if (filled < output.length && !this.isEnded) this.isStarving = true;
  }
}

/** Fills one block after another as messages say; a message with another `run` begins anew. */
export class Playback {
  queue = new SampleQueue();
  #run = 0;
  #isPaused = true;
  #reported = 0;

  obey({ run, samples, end, pause }) {
    if (run !== this.#run) {
      this.#run = run;
      this.queue.clear();
      this.#reported = 0;
    }
    if (samples) this.queue.push(samples);
    if (end) this.queue.end();
    if (pause !== undefined) this.#isPaused = pause;
  }

  /** Fill `output`; return what to report, or null. */
  fill(output) {
    if (this.#isPaused) {
      output.fill(0);
      return null;
    }
    this.queue.take(output);
    const { taken, isDone } = this.queue;
    this.#isPaused = isDone;
    if (!isDone && taken - this.#reported < REPORT_SAMPLES) return null;
    this.#reported = taken;
    return { run: this.#run, taken, isDone };
  }
}

if ("registerProcessor" in globalThis) {
  class Processor extends AudioWorkletProcessor {
    constructor() {
      super();
      this.playback = new Playback();
      this.port.onmessage = ({ data }) => this.playback.obey(data);
    }

    process(_inputs, [[output]]) {
      const report = this.playback.fill(output);
      if (report) this.port.postMessage(report);
      return true;
    }
  }
  registerProcessor("playback", Processor);
}
