// Requests to the server, its errors, and the events of a speech.

const KEY = "indextts-key";

export class ServerError extends Error {
  constructor(status, { message, param = null, code = null } = {}) {
    super(message || `The server answered with status ${status}.`);
    this.status = status;
    this.param = param;
    this.code = code;
    this.canRetry = status === 429 || status === 503;
  }
}

export class ConnectionLost extends Error {
  constructor() {
    super("The connection to the server was lost.");
    this.canRetry = true;
  }
}

let askForKey = async () => null;

/** Set what asks a person for the key: it takes the server's words and returns the key or null. */
export function onKeyNeeded(ask) {
  askForKey = ask;
}

/** Return the response of `path`, which is relative to the page. */
export async function request(path, { mayAsk = true, ...options } = {}) {
  for (;;) {
    const response = await sent(path, options);
    if (response.ok) return response;
    const error = await errorOf(response);
    if (response.status !== 401 || !mayAsk) throw error;
    const key = await askForKey(sessionStorage.getItem(KEY) ? error.message : "");
    if (!key) throw error;
    sessionStorage.setItem(KEY, key);
  }
}

async function sent(path, options) {
  const headers = new Headers(options.headers);
  const key = sessionStorage.getItem(KEY);
  if (key) headers.set("Authorization", `Bearer ${key}`);
  try {
    return await fetch(path, { ...options, headers });
  } catch (error) {
    throw error.name === "AbortError" ? error : new ConnectionLost();
  }
}

async function errorOf(response) {
  try {
    return new ServerError(response.status, (await response.json()).error);
  } catch {
    return new ServerError(response.status);
  }
}

export async function json(path, options) {
  return (await request(path, options)).json();
}

export function speechRequest(fields, signal) {
  return request("v1/audio/speech", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ model: "indextts-2", ...fields }),
    signal,
  });
}

/** Yield the events of a speech; its last one is `speech.audio.done`. */
export async function* speechEvents(fields, signal) {
  const response = await speechRequest(
    { ...fields, response_format: "pcm", stream_format: "sse" },
    signal,
  );
  for await (const event of eventsOf(response.body)) {
    if (event.type === "speech.audio.error") throw new ServerError(500, event.error);
    yield event;
    if (event.type === "speech.audio.done") return;
  }
  throw new ConnectionLost();
}

async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await next(reader);
    if (done) return;
    const events = (text + value).split(/\r?\n\r?\n/);
    text = events.pop();
    for (const event of events) {
      if (event.startsWith("data: {")) yield JSON.parse(event.slice("data: ".length));
    }
  }
}

async function next(reader) {
  try {
    return await reader.read();
  } catch (error) {
    throw error.name === "AbortError" ? error : new ConnectionLost();
  }
}

export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
