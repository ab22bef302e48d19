// Speaks with OpenAI's client for Node: into a file, as events, and with an error.
//
// Usage: npm ci && node openai_node.mjs
// OPENAI_BASE_URL and OPENAI_API_KEY say where the server is, and its key.

import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import OpenAI from "openai";

const client = new OpenAI({
  baseURL: process.env.OPENAI_BASE_URL ?? "http://localhost:8000/v1",
  apiKey: process.env.OPENAI_API_KEY ?? "none",
});
const speech = { model: "indextts-2", voice: "alloy", input: "Good morning. The kettle is on." };

// The file grows while the speech is being spoken.
const spoken = await client.audio.speech.create({ ...speech, response_format: "mp3" });
await pipeline(Readable.fromWeb(spoken.body), createWriteStream("morning.mp3"));
console.log(`morning.mp3, seed ${spoken.headers.get("x-seed")}`);

// Each event is a line of its own; the audio of all of them is one file.
const events = await client.audio.speech.create({ ...speech, stream_format: "sse" });
const audio = createWriteStream("events.mp3");
for await (const line of createInterface({ input: Readable.fromWeb(events.body) })) {
  if (!line.startsWith("data: ")) continue;
  const event = JSON.parse(line.slice("data: ".length));
  if (event.type === "speech.audio.chunk") console.log(`${event.start} s: ${event.text}`);
  if (event.type === "speech.audio.delta") audio.write(Buffer.from(event.audio, "base64"));
  if (event.type === "speech.audio.done") console.log(`${event.usage.input_tokens} characters`);
  if (event.type === "speech.audio.error") throw new Error(event.error.message);
}
audio.end();

try {
  await client.audio.speech.create({ ...speech, voice: "nobody" });
} catch (error) {
  if (!(error instanceof OpenAI.APIError)) throw error;
  console.log(`${error.status} ${error.code}, field ${error.param}: ${error.error.message}`);
}
