// The samples of a take: 16 bit, mono, growing while it is spoken.

export const RATE_HZ = 24000;
export const PEAK_SAMPLES = 480; // 20 ms: finer than a pixel of the waveform

export class Samples {
  constructor() {
    this.length = 0;
    this.peaks = [];
    this.#room = new Int16Array(RATE_HZ * 8);
  }

  #room;

  get seconds() {
    return this.length / RATE_HZ;
  }

  append(samples) {
    if (this.length + samples.length > this.#room.length) {
      const larger = new Int16Array(Math.max(this.#room.length * 2, this.length + samples.length));
      larger.set(this.#room.subarray(0, this.length));
      this.#room = larger;
    }
    this.#room.set(samples, this.length);
    this.#measure(samples);
    this.length += samples.length;
  }

  /** Return a copy of the samples from `start` on. */
  from(start) {
    return this.#room.slice(start, this.length);
  }

  /** Return the samples themselves, to be read at once. */
  all() {
    return this.#room.subarray(0, this.length);
  }

  #measure(samples) {
    for (let index = 0; index < samples.length; index += 1) {
      const place = Math.floor((this.length + index) / PEAK_SAMPLES);
      const size = Math.abs(samples[index]) / 32768;
      if (place >= this.peaks.length) this.peaks.push(size);
      else if (size > this.peaks[place]) this.peaks[place] = size;
    }
  }
}

/** Turns bytes that come in any portions into whole samples. */
export class PcmReader {
  #odd = null;

  read(bytes) {
    let whole = bytes;
    if (this.#odd !== null) {
      whole = new Uint8Array(bytes.length + 1);
      whole[0] = this.#odd;
      whole.set(bytes, 1);
    }
    const count = whole.length >> 1;
    this.#odd = whole.length % 2 ? whole[whole.length - 1] : null;
    const view = new DataView(whole.buffer, whole.byteOffset, count * 2);
    return Int16Array.from({ length: count }, (_, index) => view.getInt16(index * 2, true));
  }
}
