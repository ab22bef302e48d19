// Which engine speaks, whether it is ready, and what it cannot do.

import { json } from "./api.js";
import { byId } from "./fields.js";

const LOOK_AGAIN_MS = 3000;
const ONE_VOICE =
  "The preview engine speaks English with one voice of its own; voices and emotion have no effect.";

/** Show the engine in the head of the page; `onLimit` takes why voices cannot be cloned, or null. */
export async function showEngine(onLimit) {
  const badge = byId("engine");
  try {
    const health = await json("health", { mayAsk: false });
    const isPreview = health.engine === "preview";
    onLimit(isPreview ? ONE_VOICE : null);
    byId("limit").hidden = !isPreview;
    byId("limit").textContent = isPreview ? ONE_VOICE : "";
    badge.textContent = `${health.engine} on ${health.device}${stateOf(health)}`;
    badge.hidden = false;
    if (health.status === "loading") setTimeout(showEngine, LOOK_AGAIN_MS, onLimit);
  } catch {
    badge.hidden = true; // a key is needed, or the server is away: speaking will tell
  }
}

function stateOf({ status, model }) {
  if (status === "loading") return " · loading";
  return status === "unhealthy" ? ` · ${model.state.replaceAll("_", " ")}` : "";
}
