// What changed between two releases: months, millimetres, flags, and where.

import { address, bytes, Refused, Silent } from "../api.js";
import { fill, h } from "../elements.js";
import { number, place } from "../words.js";
import { card, facts, table } from "./tables.js";

const FEW = 6; // months or flags that are named
const MANY = 12; // months that are listed at once

/** What changed from release a to release b, and where. */
export function changesBetween(changes, a, b) {
  return card(
    `From ${a} to ${b}`,
    changesList(changes),
    changes.changed.length && !changes.note ? difference(b, a) : null,
    changedMonths(changes.changed),
  );
}

/** What changed, in words and numbers. */
export function changesList(changes) {
  const { added, removed, changed, flags } = changes;
  const files = changes.files_changed || changes.files_lost;
  return [
    changes.note ? h("p", { class: "notice" }, changes.note) : null,
    facts([
      [
        "Compared with",
        changes.against ? h("a", { href: `#/releases/${encodeURIComponent(changes.against)}` }, changes.against) : null,
      ],
      ["Months added", added.length ? `${added.length}: ${short(added)}` : "none"],
      ["Months gone", removed.length ? `${removed.length}: ${short(removed)}` : null],
      [
        "Months changed",
        changed.length
          ? `${changed.length} of ${changed.length + changes.unchanged}`
          : files // coefficients are compared as files, not in millimetres
            ? null
            : "none",
      ],
      [
        "Greatest change",
        changed.length
          ? `${number(changes.max_mm, 2)} mm in a cell; at most ${number(changes.rms_mm, 2)} mm rms over land in a month`
          : null,
      ],
      [
        "Flags turned",
        flags.length
          ? flags
              .slice(0, FEW)
              .map((each) => `${each.flag} of ${each.month}: ${each.before} → ${each.after}`)
              .join("; ") + more(flags)
          : null,
      ],
      ["Cells of the mask", changes.mask_cells ? `${changes.mask_cells} turned` : null],
      [
        "Files",
        files
          ? `${changes.files_changed} with other content, ${changes.files_lost} gone`
          : null,
      ],
    ]),
  ];
}

function more(all) {
  return all.length > FEW ? `; and ${all.length - FEW} more` : "";
}

function short(months) {
  return months.length > FEW ? `${months[0]} … ${months.at(-1)}` : months.join(", ");
}

/** The months that changed, those that changed most first. */
export function changedMonths(changed) {
  if (!changed.length) return null;
  const heads = ["Month", "rms [mm]", "greatest [mm]", "where", "Flags turned"];
  const rows = [...changed]
    .sort((a, b) => b.rms_mm - a.rms_mm)
    .map((each) => [
      h("a", { class: "whole", href: `#/months/${each.month}` }, each.month),
      number(each.rms_mm, 3),
      number(each.max_mm, 2),
      h("span", { class: "whole" }, place(each.latitude, each.longitude)),
      each.flags ?? "–",
    ]);
  const shown = table("Months that changed", heads, rows.slice(0, MANY));
  if (rows.length <= MANY) return shown;
  return h(
    "div",
    {},
    shown,
    h(
      "details",
      {},
      h("summary", {}, `The other ${rows.length - MANY} months`),
      table("Further months that changed", heads, rows.slice(MANY)),
    ),
  );
}

// The picture is asked for with the token, which an <img> could not carry.
function difference(after, before) {
  const box = h(
    "figure",
    { class: "difference", "data-alive": true, "data-key": `difference ${before} ${after}` },
    h("p", { class: "loading" }, "Drawing the map of differences …"),
  );
  bytes(address(["releases", after, "changes", before, "difference.png"]))
    .then((blob) => {
      const picture = h("img", {
        src: URL.createObjectURL(blob),
        alt: `Map of the rms difference of ${after} from ${before}, over the months of both`,
        onload: () => URL.revokeObjectURL(picture.src),
      });
      fill(box, picture);
    })
    .catch((error) => {
      if (!(error instanceof Refused || error instanceof Silent)) throw error;
      fill(box, h("p", { class: "empty" }, `No map of differences: ${error.message}`));
    });
  return box;
}
