// The takes of this visit: to hear again, to download, to take the settings from.

import { speechRequest } from "./api.js";
import { byId, copyOf, download, inSeconds } from "./fields.js";
import { RATE_HZ } from "./samples.js";
import { wavOf } from "./wav.js";

const TYPES = {
  wav: ["audio/wav", "wav"],
  mp3: ["audio/mpeg", "mp3"],
  opus: ["audio/ogg", "ogg"],
  aac: ["audio/aac", "aac"],
  flac: ["audio/flac", "flac"],
};

export class Takes {
  #list = byId("takes-list");
  #onPlay;
  #onReuse;
  #count = 0;

  constructor({ onPlay, onReuse }) {
    this.#onPlay = onPlay;
    this.#onReuse = onReuse;
    byId("format").addEventListener("change", () => this.#nameFormat(this.#list));
  }

  /** Put `take` at the top: its `fields` of the request and its `samples`. */
  add(take) {
    this.#count += 1;
    take.number = this.#count;
    byId("takes").hidden = false;
    const row = copyOf("take-row");
    row.querySelector(".number").textContent = take.number;
    row.querySelector(".words").textContent = take.fields.input;
    row.querySelector(".about").textContent = [
      take.fields.voice,
      inSeconds(take.samples.seconds),
      `seed ${take.fields.seed}`,
    ].join(" · ");
    this.#button(row, ".play", `Play take ${take.number}`, () => this.#onPlay(take));
    this.#button(row, ".reuse", `Use the settings of take ${take.number} again`, () =>
      this.#onReuse(take),
    );
    this.#button(row, ".download", "", (event) => this.#save(take, event.currentTarget));
    row.dataset.number = take.number;
    this.#nameFormat(row);
    this.#list.prepend(row);
  }

  #button(row, selector, label, onClick) {
    const button = row.querySelector(selector);
    if (label) button.ariaLabel = button.title = label;
    button.addEventListener("click", onClick);
  }

  #nameFormat(root) {
    const [, ending] = TYPES[byId("format").value];
    for (const button of root.querySelectorAll(".download")) {
      const { number } = button.closest("li").dataset;
      button.querySelector("span").textContent = ending;
      button.ariaLabel = button.title = `Download take ${number} as ${ending}`;
    }
  }

  async #save(take, button) {
    const format = byId("format").value;
    const [type, ending] = TYPES[format];
    const problem = button.closest("li").querySelector(".problem");
    problem.hidden = true;
    button.disabled = true;
    try {
      const content =
        format === "wav" ? wavOf(take.samples.all(), RATE_HZ) : await encoded(take, format);
      download(content, type, `take-${take.number}.${ending}`);
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  }
}

/** Return the take in `format`: the server speaks it again, with the same seed. */
async function encoded(take, format) {
  const response = await speechRequest({ ...take.fields, response_format: format });
  return response.blob();
}
