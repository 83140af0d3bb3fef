// One release: what is in it, how to cite it, and, if it was taken back, why.

import { read } from "../api.js";
import { h } from "../elements.js";
import { changedMonths, changesList } from "../parts/changes.js";
import { badge, card, empty, facts, table } from "../parts/tables.js";
import { copyButton, fileLink } from "../saving.js";
import { clock, count, size } from "../words.js";

export const release = {
  fresh: true,
  title: (route) => route.rest[0],

  async load(route, signal) {
    const [found, { releases }] = await Promise.all([
      read(["releases", route.rest[0]], {}, signal),
      read(["releases"], {}, signal),
    ]);
    const before = releases.find((each) => each.id === found.changes?.against);
    return { found, before };
  },

  draw({ found, before }) {
    const gone = found.state === "retracted";
    return h(
      "div",
      { class: `release is-${found.state}` },
      h("div", { class: "head" }, h("h1", {}, found.id), badge(found.state)),
      gone ? tombstone(found) : null,
      found.state === "held" ? held(found) : null,
      h(
        "div",
        { class: "columns even" },
        h("div", {}, about(found), found.citation ? citation(found) : null),
        why(found, before),
      ),
      found.files.length ? files(found) : null,
    );
  },
};

function tombstone(found) {
  const stone = found.tombstone ?? { reason: found.decision, who: found.who, when: found.decided_at, successor: "" };
  return h(
    "section",
    { class: "card tombstone" },
    h("h2", {}, "This release was taken back"),
    h("p", {}, stone.reason),
    h("p", { class: "soft" }, `by ${stone.who}, ${clock(stone.when)}`),
    h(
      "p",
      {},
      "Its files are gone and should not be used. ",
      stone.successor
        ? ["Use ", h("a", { href: `#/releases/${encodeURIComponent(stone.successor)}` }, stone.successor), " instead."]
        : "No release is in its place.",
    ),
  );
}

function held(found) {
  return h(
    "section",
    { class: "card notice-card" },
    h("h2", {}, "Held at the gate"),
    h(
      "ul",
      {},
      (found.reasons ?? []).map((reason) => h("li", {}, reason)),
    ),
    h("p", {}, h("a", { href: "#/act" }, "Decide about it"), ": approve or reject, with a reason."),
  );
}

function about(found) {
  const made = found.manifest;
  return card(
    "About it",
    facts([
      ["Product", made?.title ?? found.product],
      ["Months", `${found.first} … ${found.last}${made ? `, ${count(made.months.length, "month")}` : ""}`],
      ["Version", `${found.version}, serial ${found.serial}`],
      ["Kind", found.kind],
      ["Made", clock(found.created_at)],
      ["Decided", found.decided_at ? clock(found.decided_at) : null],
      ["Decision", found.decision],
      ["By", found.who],
      ["Made by version", made?.code_version],
      ["Reference period", made?.reference_period],
      ["Mode", made?.mode],
      [
        "Made from",
        made
          ? Object.entries(made.roles)
              .map(([role, many]) => `${many} ${role}`)
              .join(", ")
          : null,
      ],
    ]),
    found.maps
      ? h("p", {}, h("a", { href: `#/map?release=${encodeURIComponent(found.id)}` }, "Show it on the map"))
      : null,
    made ? recipe(made) : null,
  );
}

function recipe(made) {
  return h(
    "details",
    {},
    h("summary", {}, `Its ${made.steps.length} steps and their settings`),
    h(
      "ol",
      {},
      made.steps.map((step) => h("li", {}, step)),
    ),
    facts(Object.entries(made.parameters).map(([name, value]) => [name, value])),
  );
}

function citation(found) {
  const text = found.citation;
  return card("How to cite it", h("blockquote", {}, text), copyButton(text, "the citation"));
}

function why(found, before) {
  const reason = found.manifest?.why;
  return card(
    "Why it was made, and what it changed",
    reason ? h("p", {}, reason) : null,
    found.changes
      ? [
          changesList(found.changes),
          found.maps && before?.maps ? h("p", {}, compared(before.id, found.id)) : null,
          found.changes.changed.length
            ? h("details", {}, h("summary", {}, "Month by month"), changedMonths(found.changes.changed))
            : null,
        ]
      : empty("There is nothing before it that it could be compared with."),
  );
}

function compared(a, b) {
  const query = new URLSearchParams({ a, b });
  return h("a", { href: `#/releases?${query}` }, "Where it changed, on a map");
}

function files(found) {
  return card(
    "Files",
    table(
      "Files of the release with their sums",
      ["Name", "Size", "SHA-256", ""],
      found.files.map((file) => [
        fileLink(file.href.replace(/^\//, ""), file.name.split("/").at(-1), file.name),
        size(file.size),
        h("code", { class: "sum" }, file.sha256),
        copyButton(file.sha256, `the sum of ${file.name}`),
      ]),
    ),
  );
}
