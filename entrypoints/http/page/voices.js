// The voices: cards to choose from, their recordings, and a search where there are many.

import { json, request } from "./api.js";
import { allow, announce, byId, copyOf, inSeconds, showProblem } from "./fields.js";

const SEARCH_FROM = 9; // fewer are seen at once

export class Voices {
  #player;
  #list = byId("voice");
  #voices = [];
  #chosen = "";
  #reason = null;
  #heard = null;

  constructor(player) {
    this.#player = player;
    this.#list.addEventListener("change", ({ target }) => {
      this.#chosen = target.value;
      showProblem("voice", "");
    });
    byId("search").addEventListener("input", () => this.#filter());
    byId("search").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) event.preventDefault();
    });
  }

  get chosen() {
    return this.#chosen;
  }

  set chosen(name) {
    const radio = [...this.#list.querySelectorAll("input")].find(({ value }) => value === name);
    if (!radio) return;
    radio.checked = true;
    this.#chosen = name;
    radio.closest("li").scrollIntoView({ block: "nearest" });
  }

  async refresh({ mayAsk = false } = {}) {
    const { data } = await json("v1/audio/voices", { mayAsk });
    this.#voices = data;
    if (!data.some(({ name }) => name === this.#chosen)) this.#chosen = firstOf(data);
    this.#show();
  }

  /** Let no voice be chosen, for `reason`; null allows it. */
  limit(reason) {
    this.#reason = reason;
    this.#show();
  }

  #show() {
    this.#list.replaceChildren(...this.#voices.map((voice) => this.#card(voice)));
    byId("voice-count").textContent = this.#voices.length > 1 ? this.#voices.length : "";
    byId("search-row").hidden = this.#voices.length < SEARCH_FROM;
    const select = byId("emo_audio_prompt");
    const before = select.value || this.#chosen;
    const usable = this.#voices.filter(({ problem }) => !problem);
    select.replaceChildren(...usable.map(({ name }) => new Option(name, name)));
    select.value = usable.some(({ name }) => name === before) ? before : (usable[0]?.name ?? "");
    this.#filter();
  }

  #card({ name, duration, problem }) {
    const card = copyOf("voice-card");
    const radio = card.querySelector("input");
    radio.value = name;
    radio.checked = name === this.#chosen;
    allow(radio, problem ?? (radio.checked ? null : this.#reason));
    card.querySelector("label").title = radio.title || name;
    card.classList.toggle("is-disabled", radio.disabled);
    card.querySelector(".name").textContent = name;
    card.querySelector(".length").textContent = problem
      ? "cannot be used"
      : inSeconds(duration ?? 0);
    const play = card.querySelector("button");
    play.ariaLabel = `Play the recording of ${name}`;
    play.disabled = Boolean(problem);
    play.addEventListener("click", () => this.#hear(name, play));
    return card;
  }

  async #hear(name, button) {
    const wasHeard = this.#heard === button;
    this.#player.stopPreview();
    if (wasHeard) return;
    this.#heard = button;
    button.ariaPressed = "true";
    showProblem("voice", "");
    try {
      await this.#player.unlock();
      const path = name.split("/").map(encodeURIComponent).join("/");
      const response = await request(`v1/audio/voices/${path}/recording`);
      announce(`Playing the recording of ${name}`);
      await this.#player.preview(await response.arrayBuffer());
    } catch (error) {
      const isForeign = error.name === "EncodingError";
      showProblem("voice", isForeign ? "This browser cannot play the recording." : error.message);
    } finally {
      button.ariaPressed = "false";
      if (this.#heard === button) this.#heard = null;
    }
  }

  #filter() {
    const wanted = byId("search").value.trim().toLowerCase();
    let shown = 0;
    for (const card of this.#list.children) {
      card.hidden = !card.querySelector("input").value.toLowerCase().includes(wanted);
      shown += card.hidden ? 0 : 1;
    }
    byId("no-voice").hidden = shown > 0 || this.#voices.length === 0;
  }
}

function firstOf(voices) {
  const usable = voices.filter(({ problem }) => !problem);
  return (usable.find(({ name }) => name === "default") ?? usable[0])?.name ?? "";
}
