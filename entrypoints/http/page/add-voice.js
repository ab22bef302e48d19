// The dialog that adds a voice: a file or a recording, a name, and consent.

import { ConnectionLost, request } from "./api.js";
import { allow, announce, byId, clearProblems, clock, showProblem } from "./fields.js";
import { LONGEST_SECONDS, Recorder, whyNot } from "./recorder.js";

const FIELDS = ["name", "audio_sample", "consent"];

export class AddVoice {
  #dialog = byId("add-voice");
  #form = byId("add-voice-form");
  #player;
  #onAdded;
  #recorder = new Recorder();
  #file = null;

  constructor(player, onAdded) {
    this.#player = player;
    this.#onAdded = onAdded;
    byId("add").addEventListener("click", () => this.#open());
    byId("add-cancel").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => this.#leave());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    byId("audio_sample").addEventListener("change", ({ target }) => this.#take(target.files[0]));
    byId("record").addEventListener("click", () => this.#record());
    byId("sample-play").addEventListener("click", () => this.#hear());
    this.#acceptDrops(byId("drop"));
  }

  #open() {
    this.#form.reset();
    clearProblems(this.#form);
    this.#take(null);
    allow(byId("record"), whyNot());
    this.#dialog.showModal();
  }

  #leave() {
    this.#recorder.stop();
    this.#player.stopPreview();
  }

  #acceptDrops(zone) {
    const mark = (isOver) => (event) => {
      event.preventDefault();
      zone.classList.toggle("is-over", isOver);
    };
    zone.addEventListener("dragover", mark(true));
    zone.addEventListener("dragleave", mark(false));
    zone.addEventListener("drop", (event) => {
      mark(false)(event);
      this.#take(event.dataTransfer.files[0]);
    });
  }

  #take(file) {
    this.#file = file ?? null;
    byId("sample").hidden = !file;
    const isRecording = Boolean(file?.name.startsWith("recording."));
    byId("record").textContent = isRecording ? "Record again" : "Record";
    if (!file) return;
    byId("sample-name").textContent = file.name;
    showProblem("audio_sample", "");
    const name = byId("name");
    if (!name.value && !isRecording) name.value = file.name.replace(/\.\w+$/, "");
  }

  async #record() {
    if (this.#recorder.isRunning) {
      this.#recorder.stop();
      return;
    }
    this.#player.stopPreview();
    this.#take(null);
    showProblem("audio_sample", "");
    const button = byId("record");
    const meter = byId("meter");
    try {
      const recording = this.#recorder.record((level, seconds) => {
        meter.hidden = false;
        byId("level").style.transform = `scaleX(${Math.min(1, level * 1.5)})`;
        byId("record-time").textContent = `${clock(seconds)} of ${clock(LONGEST_SECONDS)}`;
        button.textContent = "Stop recording";
      });
      this.#take(await recording);
    } catch {
      showProblem("audio_sample", "The microphone is not available; allow it, or choose a file.");
    }
    meter.hidden = true;
    if (!this.#file) button.textContent = "Record";
  }

  async #hear() {
    try {
      await this.#player.preview(await this.#file.arrayBuffer());
    } catch {
      showProblem("audio_sample", "This browser cannot play the file; the server may read it.");
    }
  }

  async #save() {
    this.#recorder.stop();
    clearProblems(this.#form);
    const missing = this.#missing();
    if (missing) {
      showProblem(...missing);
      byId(missing[0]).focus();
      return;
    }
    const name = byId("name").value.trim();
    const body = new FormData();
    body.set("name", name);
    body.set("audio_sample", this.#file, this.#file.name);
    body.set("consent", "true");
    byId("add-save").disabled = true;
    try {
      const response = await request("v1/audio/voices", { method: "POST", body });
      const added = await response.json().catch(() => ({}));
      this.#dialog.close();
      announce(`The voice ${name} was added`);
      await this.#onAdded(added.name ?? name);
    } catch (error) {
      this.#refused(error);
    } finally {
      byId("add-save").disabled = false;
    }
  }

  #missing() {
    if (!this.#file) return ["audio_sample", "Choose a file, or record one."];
    if (!byId("name").value.trim()) return ["name", "Give the voice a name."];
    if (!byId("consent").checked) return ["consent", "This has to be confirmed."];
    return null;
  }

  #refused(error) {
    const message =
      error instanceof ConnectionLost ? `${error.message} Save again.` : error.message;
    const field = FIELDS.includes(error.param) ? error.param : "audio_sample";
    showProblem(field, message);
    byId(field).focus();
  }
}
