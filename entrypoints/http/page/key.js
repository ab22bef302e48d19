// Asks for the server's key.

import { byId, showProblem } from "./fields.js";

let asked = null;

/** Return the key that a person gives, or null; `problem` is what was wrong with the last one. */
export function askForKey(problem) {
  asked ??= ask(problem).finally(() => {
    asked = null;
  });
  return asked;
}

function ask(problem) {
  const dialog = byId("key");
  const field = byId("api-key");
  field.value = "";
  showProblem("api-key", problem);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const given = () => (dialog.returnValue === "use" ? field.value.trim() || null : null);
    dialog.addEventListener("close", () => resolve(given()), { once: true });
  });
}
