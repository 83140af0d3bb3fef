// What changed between two releases: months, millimetres, flags, and where.

import { address, bytes, Refused, Silent } from "../api.js";
import { fill, h } from "../elements.js";
import { count, isNumber, number } from "../words.js";
import { badge, card, empty, facts, table } from "./tables.js";

const MANY = 60; // months that are listed at once

export function changesBetween(changes, a, b) {
  const added = changes.added ?? [], removed = changes.removed ?? [], changed = changes.changed ?? [];
  return card(`From ${a} to ${b}`, facts([
    ["Months added", added.length ? `${added.length}: ${short(added)}` : "none"],
    ["Months gone", removed.length ? short(removed) : null],
    ["Months changed", changed.length ? count(changed.length, "month") : "none"],
    ["Greatest change", isNumber(changes.max_mm) ? `${number(changes.max_mm, 2)} mm` : null],
    ["Change, rms", isNumber(changes.rms_mm) ? `${number(changes.rms_mm, 3)} mm` : null],
  ]), difference(a, b), changed.length ? changedMonths(changed) : empty("No value of a month that both have is another."));
}

function short(months) {
  return months.length > 6 ? `${months[0]} … ${months.at(-1)}` : months.join(", ");
}

function changedMonths(changed) {
  const rows = changed.map((each) => [h("a", { href: `#/months/${each.month}` }, each.month), number(each.rms_mm, 3), number(each.max_mm, 2), flags(each)]);
  const shown = table("Months that changed", ["Month", "rms [mm]", "greatest [mm]", "Flags turned"], rows.slice(0, MANY));
  if (rows.length <= MANY) return shown;
  return h("div", {}, shown, h("details", {}, h("summary", {}, `The other ${rows.length - MANY} months`),
    table("Further months that changed", ["Month", "rms [mm]", "greatest [mm]", "Flags turned"], rows.slice(MANY))));
}

function flags(each) {
  const turned = each.flags ?? each.flag;
  if (!turned || (Array.isArray(turned) && !turned.length)) return "–";
  return h("span", {}, badge("fallback", "flag"), ` ${Array.isArray(turned) ? turned.join(" → ") : turned}`);
}

// The picture is asked for with the token, which an <img> could not carry.
function difference(a, b) {
  const box = h("figure", { class: "difference", "data-alive": true, "data-key": `difference ${a} ${b}` }, h("p", { class: "loading" }, "Drawing the map of differences …"));
  bytes(address(["releases", a, "changes", b, "difference.png"])).then((blob) => {
    const picture = h("img", { src: URL.createObjectURL(blob), alt: `Map of the differences between ${a} and ${b}`, onload: () => URL.revokeObjectURL(picture.src) });
    fill(box, picture, h("figcaption", { class: "soft" }, "Where the maps differ"));
  }).catch((error) => {
    if (!(error instanceof Refused || error instanceof Silent)) throw error;
    fill(box, h("p", { class: "empty" }, `No map of differences: ${error.message}`));
  });
  return box;
}
