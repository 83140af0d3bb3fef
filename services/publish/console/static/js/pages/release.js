// One release: what is in it, how to cite it, and, if it was taken back, why.

import { read } from "../api.js";
import { h } from "../elements.js";
import { badge, card, empty, facts, table } from "../parts/tables.js";
import { copyButton, fileLink } from "../saving.js";
import { clock, size } from "../words.js";

export const release = {
  fresh: true,
  title: (route) => route.rest[0],

  load: (route, signal) => read(["releases", route.rest[0]], {}, signal),

  draw(found) {
    const gone = found.state === "retracted";
    return h("div", { class: `release is-${found.state}` },
      h("div", { class: "head" }, h("h1", {}, found.id), badge(found.state)),
      gone ? tombstone(found) : null, found.state === "held" ? held(found) : null,
      h("div", { class: "columns" }, h("div", {}, about(found), gone ? null : citation(found)), why(found)), gone ? null : files(found));
  },
};

function tombstone(found) {
  const stone = found.tombstone ?? {};
  const successor = stone.successor ?? found.successor;
  return h("section", { class: "card tombstone" }, h("h2", {}, "This release was taken back"),
    h("p", {}, stone.reason ?? found.decision), h("p", { class: "soft" }, [`by ${stone.who ?? found.who}`, clock(stone.time ?? stone.when ?? found.decided_at)].join(", ")),
    h("p", {}, "Its files are gone and should not be used. ", successor ? ["Use ", h("a", { href: `#/releases/${encodeURIComponent(successor)}` }, successor), " instead."] : "No release is in its place."));
}

function held(found) {
  return h("section", { class: "card notice-card" }, h("h2", {}, "Held at the gate"),
    h("ul", {}, (found.reasons ?? []).map((reason) => h("li", {}, reason))), h("p", {}, h("a", { href: "#/act" }, "Decide about it"), ": approve or reject, with a reason."));
}

function about(found) {
  return card("About it", facts([
    ["Product", found.product], ["Months", `${found.first} … ${found.last}`], ["Version", `${found.version}, serial ${found.serial}`], ["Kind", found.kind],
    ["Made", clock(found.created_at)], ["Decided", found.decided_at ? clock(found.decided_at) : null], ["Decision", found.decision], ["By", found.who],
    ["Made by version", found.manifest?.code_version], ["Inputs", found.manifest?.inputs !== undefined ? String(found.manifest.inputs) : null],
  ]), found.state === "released" ? h("p", {}, h("a", { href: `#/map?release=${encodeURIComponent(found.id)}` }, "Show it on the map")) : null);
}

function citation(found) {
  const text = typeof found.citation === "string" ? found.citation : found.citation?.text;
  return card("How to cite it", text ? h("blockquote", {}, text) : empty("Its metadata name no citation."), text ? copyButton(text, "the citation") : null);
}

function why(found) {
  const changes = Object.entries(found.changes ?? {});
  return h("div", {}, card("Why it was made, and what it changed", (found.reasons ?? []).length ? h("ul", {}, found.reasons.map((reason) => h("li", {}, reason))) : null,
    changes.length ? facts(changes.map(([name, value]) => [name.replaceAll("_", " "), plain(value)])) : empty("It is the first of its line: there is nothing to compare it with.")));
}

function plain(value) {
  if (Array.isArray(value)) return value.length ? `${value.length}: ${value.slice(0, 6).map(plain).join(", ")}${value.length > 6 ? " …" : ""}` : "none";
  if (value && typeof value === "object") return Object.entries(value).map(([name, each]) => `${name} ${plain(each)}`).join(", ");
  return typeof value === "number" && !Number.isInteger(value) ? value.toPrecision(4) : String(value);
}

function files(found) {
  if (!found.files?.length) return card("Files", empty("Its files are not there."));
  return card("Files", table("Files of the release with their sums", ["Name", "Size", "SHA-256", ""], found.files.map((file) => [
    fileLink(file.href.replace(/^\//, ""), file.name.split("/").at(-1), file.name), size(file.size), h("code", { class: "sum" }, file.sha256), copyButton(file.sha256, `the sum of ${file.name}`)])));
}
