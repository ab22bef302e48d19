// One waveform: light is spoken, dark is heard, a thin line is still to come.

import { PEAK_SAMPLES, RATE_HZ } from "./samples.js";

const BAR = 3;
const STEP = 5;

/** Return the greatest peak of each of `count` equal parts of `total` seconds; null has none. */
export function barsOf(peaks, total, count) {
  const perBar = (total * RATE_HZ) / PEAK_SAMPLES / count;
  return Array.from({ length: count }, (_, bar) => {
    const first = Math.floor(bar * perBar);
    const part = peaks.slice(first, Math.max(Math.floor((bar + 1) * perBar), first + 1));
    return part.length > 0 ? Math.max(...part) : null;
  });
}

export class Waveform {
  #canvas;
  #frame = 0;
  #shown = { peaks: [], total: 0, heard: 0 };

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#soon()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#soon());
  }

  show(shown) {
    this.#shown = shown;
    this.#soon();
  }

  #soon() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const scale = devicePixelRatio;
    this.#canvas.width = width * scale;
    this.#canvas.height = height * scale;
    const pen = this.#canvas.getContext("2d");
    pen.scale(scale, scale);
    const style = getComputedStyle(this.#canvas);
    const colour = (name) => style.getPropertyValue(name).trim();
    const { peaks, total, heard } = this.#shown;
    const count = Math.floor(width / STEP);
    barsOf(peaks, total || 1, count).forEach((peak, bar) => {
      const isHeard = total > 0 && ((bar + 0.5) / count) * total <= heard;
      pen.fillStyle = colour(peak === null ? "--line" : isHeard ? "--accent" : "--spoken");
      const tall = peak === null ? 2 : Math.max(3, Math.min(1, peak * 1.4) * height);
      pen.beginPath();
      pen.roundRect(bar * STEP, (height - tall) / 2, BAR, tall, BAR / 2);
      pen.fill();
    });
  }
}
