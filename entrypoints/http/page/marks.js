// Where the chunks of a speech stand in the text, and the mark of the one that is heard.

const EDGE = 8; // letters that find a chunk's edge where its middle was made speakable

function squeezed(text) {
  const letters = [];
  const places = [];
  for (let place = 0; place < text.length; place += 1) {
    if (/\S/.test(text[place])) {
      letters.push(text[place]);
      places.push(place);
    }
  }
  return { letters: letters.join(""), places };
}

/** Return `[start, end]` of `chunk` in `text` from `after` on, or null where it is not found. */
export function locate(text, chunk, after = 0) {
  const { letters, places } = squeezed(text);
  const wanted = squeezed(chunk).letters;
  if (!wanted) return null;
  const from = places.findIndex((place) => place >= after);
  if (from < 0) return null;
  let first = letters.indexOf(wanted, from);
  let last = first + wanted.length - 1;
  if (first < 0) {
    first = letters.indexOf(wanted.slice(0, EDGE), from);
    const end = wanted.slice(-EDGE);
    last = first < 0 ? -1 : letters.indexOf(end, first);
    if (last < 0) return null;
    last += end.length - 1;
  }
  return [places[first], places[last] + 1];
}

/** The layer behind the text area that carries the mark. */
export class Marks {
  #layer;
  #field;

  constructor(layer, field) {
    this.#layer = layer;
    this.#field = field;
    field.addEventListener("scroll", () => this.#follow());
  }

  show(span) {
    const text = this.#field.value;
    if (!span) {
      this.#layer.replaceChildren();
      return;
    }
    const mark = document.createElement("mark");
    mark.textContent = text.slice(...span);
    this.#layer.replaceChildren(text.slice(0, span[0]), mark, `${text.slice(span[1])}\n`);
    this.#keepInSight(mark);
    this.#follow();
  }

  #keepInSight(mark) {
    const top = mark.offsetTop;
    const end = top + mark.offsetHeight;
    const { scrollTop, clientHeight } = this.#field;
    if (top < scrollTop || end > scrollTop + clientHeight) this.#field.scrollTop = top - 24;
  }

  #follow() {
    this.#layer.scrollTop = this.#field.scrollTop;
  }
}
