// The end of the audio graph: takes messages for `Playback` and tells what was heard.

import { Playback } from "./worklet.js";

const BLOCK = 2048;

/** Return a function that takes messages; `onReport` gets the answers. */
export async function outputOf(context, onReport) {
  if (!context.audioWorklet) return blocks(context, onReport);
  await context.audioWorklet.addModule(new URL("worklet.js", import.meta.url));
  const node = new AudioWorkletNode(context, "playback", {
    numberOfInputs: 0,
    outputChannelCount: [1],
  });
  node.connect(context.destination);
  node.port.onmessage = ({ data }) => onReport(data);
  return (message) => node.port.postMessage(message);
}

/** Play on the page's own thread: browsers have audio worklets on https and on localhost only. */
function blocks(context, onReport) {
  const playback = new Playback();
  const node = context.createScriptProcessor(BLOCK, 0, 1);
  node.onaudioprocess = ({ outputBuffer }) => {
    const report = playback.fill(outputBuffer.getChannelData(0));
    if (report) onReport(report);
  };
  node.connect(context.destination);
  return (message) => playback.obey(message);
}
