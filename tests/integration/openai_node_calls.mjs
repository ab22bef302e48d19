// Calls a server with OpenAI's client for Node, as it comes, and prints the results as JSON.
//
// Usage: node openai_node_calls.mjs CALL [ARGUMENT]; OPENAI_BASE_URL is the server's address.

import { readFile, writeFile } from "node:fs/promises";

import OpenAI, { toFile } from "openai";

const client = new OpenAI({ apiKey: "none is asked for" });
const speech = { model: "gpt-4o-mini-tts", voice: "coral" };

const calls = {
  // The audio of one sentence in the formats whose names are given.
  async formats(names) {
    const audio = {};
    for (const name of names.split(",")) {
      const answer = await client.audio.speech.create({
        ...speech, input: "Hello there.", response_format: name,
      });
      const content = Buffer.from(await answer.arrayBuffer()).toString("base64");
      audio[name] = { type: answer.headers.get("content-type"), content };
    }
    return audio;
  },

  // A sentence that waits for the file `gate`, which is made when the first bytes are there.
  async stream(gate) {
    const first = "A first chunk of one hundred and some characters, which is spoken at once. ";
    const input = `${first.repeat(2)}The GATE holds this.`;
    const answer = await client.audio.speech.create({ ...speech, input });
    const bytes = [];
    for await (const part of answer.body) {
      if (bytes.length === 0) await writeFile(gate, "");
      bytes.push(part.length);
    }
    return { parts: bytes.length };
  },

  async failure() {
    return failed(() => client.audio.speech.create({ ...speech, input: "BREAK at once." }));
  },

  // A recording is added twice under one name.
  async conflict(recording) {
    const content = await readFile(recording);
    const add = async () =>
      client.audio.voices.create({
        name: "nora", consent: "mine", audio_sample: await toFile(content, "nora.ogg"),
      });
    const { id } = await add();
    return { id, ...(await failed(add)) };
  },
};

async function failed(call) {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error;
    return { status: error.status, code: error.code, param: error.param };
  }
  throw new Error("the call succeeded");
}

const [, , name, ...rest] = process.argv;
console.log(JSON.stringify(await calls[name](...rest)));
