// How the text is spoken: emotion, speed, pause, seed.

import { allow, byId, showProblem } from "./fields.js";

const EMOTIONS = "Happy Angry Sad Afraid Disgusted Melancholic Surprised Calm".split(" ");
const GREATEST_SUM = 0.8; // the engine scales a greater one down
const PRESETS = {
  Cheerful: [0.6, 0, 0, 0, 0, 0, 0.1, 0],
  Calm: [0, 0, 0, 0, 0, 0, 0, 0.7],
  Sad: [0, 0, 0.45, 0, 0, 0.25, 0, 0],
  Tense: [0, 0.1, 0, 0.5, 0, 0, 0.1, 0],
  Angry: [0, 0.65, 0, 0, 0.1, 0, 0, 0],
};

export class Delivery {
  #sliders = [];
  #isFresh = false; // whether the seed was drawn by hand and not spoken yet

  constructor() {
    this.#makeSliders();
    this.#makePresets();
    for (const tab of document.getElementsByName("emotion")) {
      tab.addEventListener("change", () => this.#showPanel());
    }
    byId("emo_alpha").addEventListener("input", () => this.#showValues());
    byId("speed").addEventListener("input", () => this.#showValues());
    byId("draw").addEventListener("click", () => {
      this.#draw();
      this.#isFresh = true;
    });
    byId("seed").addEventListener("input", ({ target }) => this.#lock(target.value !== ""));
    byId("lock").addEventListener("click", () => this.#lock(!this.#isLocked));
    this.#showPanel();
    this.#showValues();
    this.#showSum();
  }

  /** Return the fields of the request; draws a seed unless the last one is kept. */
  fields() {
    if (!byId("seed").value || !(this.#isLocked || this.#isFresh)) this.#draw();
    this.#isFresh = false;
    return {
      speed: byId("speed").valueAsNumber,
      chunk_pause_ms: byId("chunk_pause_ms").valueAsNumber,
      seed: byId("seed").valueAsNumber,
      ...this.#emotion(),
    };
  }

  /** Return the id and the words of the first field with a value it cannot have, or null. */
  problem() {
    for (const id of ["chunk_pause_ms", "seed"]) {
      const field = byId(id);
      if (!field.validity.valid || (id !== "seed" && field.value === "")) {
        return [id, `A whole number from ${field.min} to ${field.max}.`];
      }
    }
    return null;
  }

  /** Take over the fields of an earlier request, with its seed. */
  restore(fields) {
    byId("speed").value = fields.speed;
    byId("chunk_pause_ms").value = fields.chunk_pause_ms;
    byId("seed").value = fields.seed;
    this.#lock(true);
    byId("emo_alpha").value = fields.emo_alpha ?? 1;
    if (fields.emo_vector) this.#setVector(fields.emo_vector);
    if (fields.emo_text) byId("emo_text").value = fields.emo_text;
    if (fields.emo_audio_prompt) byId("emo_audio_prompt").value = fields.emo_audio_prompt;
    const panel = ["emo_vector", "emo_text", "emo_audio_prompt"].find((name) => fields[name]);
    byId(`emotion-${panel ?? "none"}`).checked = true;
    this.#showPanel();
    this.#showValues();
  }

  /** Offer no emotion, for `reason`; null allows all. */
  limit(reason) {
    for (const tab of document.getElementsByName("emotion")) {
      if (tab.value === "none") continue;
      allow(tab, reason);
      tab.nextElementSibling.title = reason ?? "";
    }
    if (reason) byId("emotion-none").checked = true;
    this.#showPanel();
  }

  #emotion() {
    const emo_alpha = byId("emo_alpha").valueAsNumber;
    switch (this.#panel) {
      case "emo_vector":
        return { emo_vector: this.#sliders.map(({ valueAsNumber }) => valueAsNumber), emo_alpha };
      case "emo_text": {
        const emo_text = byId("emo_text").value.trim();
        return { use_emo_text: true, emo_alpha, ...(emo_text && { emo_text }) };
      }
      case "emo_audio_prompt":
        return { emo_audio_prompt: byId("emo_audio_prompt").value, emo_alpha };
      default:
        return {};
    }
  }

  get #panel() {
    return document.querySelector("[name=emotion]:checked").value;
  }

  get #isLocked() {
    return byId("lock").ariaPressed === "true";
  }

  #lock(isLocked) {
    byId("lock").ariaPressed = String(isLocked);
  }

  #draw() {
    byId("seed").value = crypto.getRandomValues(new Uint32Array(1))[0];
    showProblem("seed", "");
  }

  #makeSliders() {
    for (const emotion of EMOTIONS) {
      const label = document.createElement("label");
      const value = document.createElement("output");
      const slider = document.createElement("input");
      Object.assign(slider, { type: "range", min: 0, max: 1, step: 0.05, value: 0 });
      label.append(emotion, value, slider);
      slider.addEventListener("input", () => this.#showSum());
      this.#sliders.push(slider);
      byId("emo_vector").append(label);
    }
  }

  #makePresets() {
    for (const [name, vector] of Object.entries(PRESETS)) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", textContent: name, className: "chip" });
      button.addEventListener("click", () => this.#setVector(vector));
      byId("presets").append(button);
    }
  }

  #setVector(vector) {
    this.#sliders.forEach((slider, index) => (slider.value = vector[index]));
    this.#showSum();
  }

  #showSum() {
    for (const slider of this.#sliders) {
      slider.previousElementSibling.textContent = slider.valueAsNumber.toFixed(2);
    }
    const sum = this.#sliders.reduce((total, { valueAsNumber }) => total + valueAsNumber, 0);
    const isOver = sum > GREATEST_SUM + 1e-9;
    byId("sum").textContent = isOver
      ? `Sum ${sum.toFixed(2)}: scaled down to ${GREATEST_SUM.toFixed(2)}`
      : `Sum ${sum.toFixed(2)} of ${GREATEST_SUM.toFixed(2)}`;
  }

  #showValues() {
    byId("emo_alpha-value").textContent = `${Math.round(byId("emo_alpha").valueAsNumber * 100)} %`;
    byId("speed-value").textContent = `${byId("speed").valueAsNumber.toFixed(2)} ×`;
  }

  #showPanel() {
    for (const panel of document.querySelectorAll("[data-panel]")) {
      panel.hidden = !panel.dataset.panel.split(" ").includes(this.#panel);
    }
  }
}
