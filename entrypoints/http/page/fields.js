// What modules of the page share: elements by id, times in words, problems beside fields.

export const byId = (id) => document.getElementById(id);

export function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export const inSeconds = (seconds) => `${seconds.toFixed(1)} s`;

/** Return a copy of the template's only element. */
export function copyOf(templateId) {
  return byId(templateId).content.firstElementChild.cloneNode(true);
}

/** Write `message` below the element `id` and join the two for screen readers. */
export function showProblem(id, message) {
  const place = byId(`${id}-problem`);
  place.textContent = message;
  place.hidden = !message;
  const field = byId(id);
  if (message) {
    if (field.matches("input, select, textarea")) field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", place.id);
  } else {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
}

export function clearProblems(root) {
  for (const place of root.querySelectorAll(".problem[id$='-problem']")) {
    const field = byId(place.id.slice(0, -"-problem".length));
    if (field) showProblem(field.id, "");
  }
}

/** Disable `element` and say why, or enable it where there is no reason. */
export function allow(element, reason) {
  element.disabled = Boolean(reason);
  element.title = reason ?? "";
}

/** Say `words` to people who do not see the page. */
export function announce(words) {
  byId("status").textContent = words;
}

export function download(content, type, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
