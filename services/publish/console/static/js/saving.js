// Files that a person takes away: links, and what has to be asked for first.

import { bytes, Refused, Silent } from "./api.js";
import { h, tell } from "./elements.js";
import { token } from "./session.js";

/** How the formats of files are called. */
export const FORMATS = { png: "PNG", csv: "CSV", nc: "NetCDF" };

/** Give a Blob to the person as a file. */
function save(blob, name) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

/** A link to a file; with a token it is asked for with it, since a plain link cannot carry one. */
export function fileLink(where, name, text, label) {
  const onclick = token() ? (event) => fetchAndSave(event, where, name) : null;
  return h("a", { href: where, download: name, class: "file", "aria-label": label, onclick }, text);
}

async function fetchAndSave(event, where, name) {
  event.preventDefault();
  await saving(() => bytes(where), name);
}

/** A button that makes a file when it is pressed; `make` returns a promise of a Blob. */
export function fileButton(make, name, text, label) {
  return h("button", { type: "button", class: "file", "aria-label": label, onclick: () => saving(make, name) }, text);
}

async function saving(make, name) {
  try {
    save(await make(), name);
    tell(`${name} is saved`);
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Silent)) throw error;
    tell(`${name} could not be made: ${error.message}. ${error.advice ?? ""}`, true);
  }
}

/** A button that copies a text. */
export function copyButton(text, what) {
  const press = async (event) => {
    const button = event.currentTarget;
    await navigator.clipboard.writeText(text).catch(() => selectAndCopy(text));
    button.textContent = "Copied";
    tell(`${what} is copied`);
    setTimeout(() => {
      button.textContent = "Copy";
    }, 2000);
  };
  return h("button", { type: "button", class: "small", "aria-label": `Copy ${what}`, onclick: press }, "Copy");
}

// Without https a page may not use the clipboard but through a selection.
function selectAndCopy(text) {
  const area = h("textarea", { class: "unseen", "aria-hidden": "true", value: text });
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
