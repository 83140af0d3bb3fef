// All releases, and what changed between any two of them.

import { read } from "../api.js";
import { h } from "../elements.js";
import { ago, badge, card, empty, table } from "../parts/tables.js";
import { changesBetween } from "../parts/changes.js";

export const releases = {
  fresh: true,
  title: () => "Releases",

  async load(route, signal) {
    const { query } = route, product = query.get("product") ?? "";
    const all = (await read(["releases"], {}, signal)).releases;
    const a = query.get("a"), b = query.get("b");
    const changes = a && b ? await read(["releases", a, "changes", b], {}, signal) : null;
    return { all, product, a, b, changes };
  },

  draw({ all, product, a, b, changes }) {
    const names = [...new Set(all.map((each) => each.product))].sort();
    const shown = product ? all.filter((each) => each.product === product) : all;
    return h("div", {}, h("div", { class: "head" }, h("h1", {}, "Releases"), filter(names, product)),
      list(shown), all.length > 1 ? comparison(all, a, b) : null, changes ? changesBetween(changes, a, b) : null);
  },
};

function filter(names, product) {
  if (names.length < 2) return null;
  const tab = (name, text) => h("a", { href: name ? `#/releases?product=${encodeURIComponent(name)}` : "#/releases", "aria-current": name === product ? "true" : null }, text);
  return h("nav", { class: "tabs", "aria-label": "Product" }, tab("", "all"), names.map((name) => tab(name, name)));
}

function list(shown) {
  if (!shown.length) {
    return card("All releases", empty("Nothing is released yet. When every month has its file and its tables, the record is computed, checked and released by itself; what is held for a decision appears here, too."));
  }
  return card("All releases", table("Releases, the newest first", ["Release", "State", "Kind", "Months", "Since", "Why"], shown.map((each) => [
    h("a", { href: `#/releases/${encodeURIComponent(each.id)}`, class: "whole" }, each.id), badge(each.state), each.kind, h("span", { class: "whole" }, `${each.first} … ${each.last}`),
    ago(each.decided_at ?? each.created_at), h("span", { class: "why" }, each.decision || (each.reasons ?? []).join("; ") || "–")])));
}

function comparison(all, a, b) {
  const choices = all.filter((each) => each.state === "released").map((each) => each.id);
  for (const id of [a, b]) if (id && !choices.includes(id)) choices.push(id);
  if (choices.length < 2) return null;
  const select = (name, value) => h("select", { name, id: `compare-${name}`, value }, choices.map((id) => h("option", { value: id }, id)));
  return card("What changed between two releases", h("form", { class: "row", "data-key": `compare ${a} ${b}`, onsubmit: (event) => {
    event.preventDefault();
    const { a: first, b: second } = event.currentTarget.elements;
    location.hash = `#/releases?${new URLSearchParams({ a: first.value, b: second.value })}`;
  } }, h("label", {}, "From ", select("a", a ?? choices[1])), h("label", {}, " to ", select("b", b ?? choices[0])), h("button", {}, "Compare")));
}

