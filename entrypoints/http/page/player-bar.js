// The bar along the bottom: play and pause, the waveform, times, and what is heard.

import { byId, clock, inSeconds } from "./fields.js";
import { RATE_HZ } from "./samples.js";
import { Waveform } from "./waveform.js";

export class PlayerBar {
  #player;
  #take = null;
  #bar = byId("player");
  #waveform = new Waveform(byId("waveform"));

  constructor(player) {
    this.#player = player;
    player.addEventListener("change", () => this.#showPlaying());
    player.addEventListener("progress", () => this.#showHeard());
    byId("play").addEventListener("click", () => this.toggle());
    byId("seek").addEventListener("input", ({ target }) => player.seek(target.valueAsNumber));
  }

  show(take) {
    this.#take = take;
    byId("play").disabled = byId("seek").disabled = false;
    this.caption("");
    this.showSpoken();
  }

  toggle() {
    if (this.#player.isPlaying) this.#player.pause();
    else this.#player.play();
  }

  caption(words) {
    byId("caption").textContent = words;
  }

  showSpoken() {
    if (!this.#take) return;
    const { samples, firstAfter, speed, fields } = this.#take;
    this.#bar.dataset.spoken = samples.length;
    byId("seek").max = samples.seconds.toFixed(2);
    byId("figures").textContent = [
      `First sound after ${firstAfter.toFixed(2)} s`,
      `${speed.toFixed(1)} × real time`,
      `seed ${fields.seed}`,
    ].join(" · ");
    this.#showHeard();
  }

  #showPlaying() {
    const { isPlaying } = this.#player;
    this.#bar.classList.toggle("is-playing", isPlaying);
    byId("play").ariaLabel = isPlaying ? "Pause" : "Play";
  }

  #showHeard() {
    if (!this.#take) return;
    const { samples, expected } = this.#take;
    const heard = this.#player.heard / RATE_HZ;
    this.#bar.dataset.heard = this.#player.heard;
    byId("seek").value = heard;
    byId("seek").ariaValueText = `${inSeconds(heard)} of ${inSeconds(samples.seconds)}`;
    byId("time").textContent = `${clock(heard)} / ${clock(samples.seconds)}`;
    this.#waveform.show({
      peaks: samples.peaks,
      total: Math.max(samples.seconds, expected),
      heard,
    });
  }
}
