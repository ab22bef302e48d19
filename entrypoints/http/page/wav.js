// A WAV file of 16 bit mono samples.

const HEADER_BYTES = 44;

export function wavOf(samples, rateHz) {
  const file = new DataView(new ArrayBuffer(HEADER_BYTES + samples.length * 2));
  const word = (place, letters) =>
    [...letters].forEach((letter, index) => file.setUint8(place + index, letter.charCodeAt(0)));
  word(0, "RIFF");
  file.setUint32(4, file.byteLength - 8, true);
  word(8, "WAVEfmt ");
  file.setUint32(16, 16, true); // bytes of the format that follow
  file.setUint16(20, 1, true); // PCM
  file.setUint16(22, 1, true); // channels
  file.setUint32(24, rateHz, true);
  file.setUint32(28, rateHz * 2, true); // bytes a second
  file.setUint16(32, 2, true); // bytes of a frame
  file.setUint16(34, 16, true); // bits of a sample
  word(36, "data");
  file.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, index) => file.setInt16(HEADER_BYTES + index * 2, sample, true));
  return file.buffer;
}
