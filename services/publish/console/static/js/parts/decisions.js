// What waits for a person, each with its evidence beside it.

import { h } from "../elements.js";
import { clock, count, isNumber, size } from "../words.js";
import { changedMonths, changesList } from "./changes.js";
import { decision } from "./forms.js";
import { badge, facts } from "./tables.js";

const MOST = 5; // months that are shown as evidence
const NOTHING = 0.01; // mm rms; less is no change to decide about
const SCIENCE = "Only a scientist decides this.";

/** Releases that the gate holds. */
export function heldReleases(all, scientist, again) {
  return group("Held releases", all, (release) =>
    item(
      `release ${release.id}`,
      [
        h("a", { href: `#/releases/${encodeURIComponent(release.id)}` }, release.id),
        " ",
        badge("held"),
        h("span", { class: "soft" }, ` ${release.first} … ${release.last}, made ${clock(release.created_at)}`),
      ],
      [
        h("p", {}, "The gate holds it because:"),
        h(
          "ul",
          {},
          (release.reasons ?? []).map((reason) => h("li", {}, reason)),
        ),
        evidence(release),
      ],
      decision(
        `release ${release.id}`,
        release.id,
        [
          {
            text: "Approve",
            main: true,
            pieces: ["releases", release.id, "approve"],
            done: `${release.id} is approved and will be released in a moment.`,
            disabled: scientist ? null : SCIENCE,
          },
          {
            text: "Reject",
            pieces: ["releases", release.id, "reject"],
            done: `${release.id} is rejected.`,
            disabled: scientist ? null : SCIENCE,
          },
        ],
        again,
      ),
    ),
  );
}

function evidence(release) {
  if (!release.changes) return null;
  const most = [...release.changes.changed]
    .filter((each) => each.rms_mm >= NOTHING)
    .sort((x, y) => y.rms_mm - x.rms_mm)
    .slice(0, MOST);
  return [
    changesList(release.changes),
    most.length ? [h("p", { class: "soft" }, "The months that would change most:"), changedMonths(most)] : null,
  ];
}

/** Files that wait: other bytes under a known name, or refused ones. */
export function files(all, again) {
  return group("Held files", all, (file) =>
    item(
      `file ${file.id}`,
      [h("b", { class: "name" }, file.name), " ", badge(file.state)],
      facts([
        ["Why", file.reason],
        ["What", file.role],
        ["Month", file.month ? h("a", { href: `#/months/${file.month}` }, file.month) : null],
        ["Version", String(file.version)],
        ["Size", size(file.size)],
        ["Came", clock(file.arrived_at)],
        ["From", file.origin],
        ["SHA-256", h("code", { class: "sum" }, file.sha256)],
      ]),
      decision(
        `file ${file.id}`,
        file.name,
        [
          {
            text: "Accept",
            main: true,
            pieces: ["files", file.id, "accept"],
            done: `${file.name} is used from now on.`,
          },
          { text: "Refuse", pieces: ["files", file.id, "refuse"], done: `${file.name} is refused.` },
        ],
        again,
      ),
    ),
  );
}

/** Baselines that were estimated anew and are not yet used. */
export function baselines(all, scientist, again) {
  return group("Proposed baselines", all, (baseline) =>
    item(
      `baseline ${baseline.id}`,
      [h("b", {}, `Baseline ${baseline.number} of ${baseline.product}`), " ", badge(baseline.state)],
      [
        h("p", {}, "Accepting it has every month of the product computed again. The release that follows is held as a major one."),
        facts([
          ["Why", baseline.reason],
          ["Made", clock(baseline.created_at)],
          ["Made from", isNumber(baseline.months) ? count(baseline.months, "month") : null],
          ["SHA-256", h("code", { class: "sum" }, baseline.digest)],
        ]),
      ],
      decision(
        `baseline ${baseline.id}`,
        `baseline ${baseline.number} of ${baseline.product}`,
        [
          {
            text: "Accept",
            main: true,
            pieces: ["baselines", baseline.id, "accept"],
            done: "It is used from now on; all months are computed again.",
            disabled: scientist ? null : SCIENCE,
          },
          {
            text: "Refuse",
            pieces: ["baselines", baseline.id, "refuse"],
            done: "It is refused.",
            disabled: scientist ? null : SCIENCE,
          },
        ],
        again,
      ),
    ),
  );
}

/** Work that failed and waits for a person. */
export function parked(all, again) {
  return group("Parked work", all, (unit) =>
    item(
      `unit ${unit.key}`,
      [h("b", {}, `${unit.kind} ${unit.month ?? ""} of ${unit.product}`), " ", badge("parked")],
      [
        facts([
          ["Why", unit.error || unit.reason],
          ["Kind of error", unit.error_kind],
          ["Tried", count(unit.attempts, "time")],
          ["Last change", clock(unit.updated_at)],
          ["Key", h("code", { title: unit.key }, unit.key.slice(0, 12))],
        ]),
      ],
      decision(
        `unit ${unit.key}`,
        `${unit.kind} ${unit.month ?? ""} of ${unit.product}`.replace("  ", " "),
        [
          { text: "Retry", main: true, pieces: ["units", unit.key, "retry"], done: "It is tried again." },
          { text: "Drop", pieces: ["units", unit.key, "drop"], done: "It is given up." },
        ],
        again,
      ),
    ),
  );
}

function group(title, all, draw) {
  if (!all.length) return null;
  return h("section", { class: "card", "data-key": title }, h("h2", {}, `${title} (${all.length})`), all.map(draw));
}

function item(key, title, about, form) {
  return h(
    "article",
    { class: "item", "data-key": key },
    h("h3", {}, title),
    h("div", { class: "columns even" }, h("div", { class: "evidence" }, about), form),
  );
}
