// Records from the microphone and tells the level and the time meanwhile.

export const LONGEST_SECONDS = 15; // the engine uses no more of a recording

/** Return why nothing can be recorded here, or null. */
export function whyNot() {
  if (!window.isSecureContext) return "Browsers record on https and on localhost only.";
  if (!navigator.mediaDevices || !window.MediaRecorder) return "This browser cannot record.";
  return null;
}

export class Recorder {
  #stop = null;

  get isRunning() {
    return this.#stop !== null;
  }

  /** Record until `stop` or for the longest time; return the file. */
  async record(onLevel) {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: true },
    });
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: 1024 });
    context.createMediaStreamSource(stream).connect(analyser);
    const recorder = new MediaRecorder(stream);
    const parts = [];
    recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
    const stopped = new Promise((resolve) => recorder.addEventListener("stop", resolve));
    this.#stop = () => recorder.state === "recording" && recorder.stop();
    recorder.start();
    const began = performance.now();
    const window_ = new Float32Array(analyser.fftSize);
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(window_);
      const seconds = (performance.now() - began) / 1000;
      onLevel(Math.max(...window_.map(Math.abs)), seconds);
      if (seconds >= LONGEST_SECONDS) this.stop();
    }, 60);
    await stopped;
    clearInterval(timer);
    this.#stop = null;
    stream.getTracks().forEach((track) => track.stop());
    await context.close();
    const type = recorder.mimeType.split(";")[0];
    return new File(parts, `recording.${type === "audio/mp4" ? "m4a" : "webm"}`, { type });
  }

  stop() {
    this.#stop?.();
  }
}
