// All releases, and what changed between any two of them.

import { read } from "../api.js";
import { h } from "../elements.js";
import { ago, badge, card, empty, table } from "../parts/tables.js";
import { changesBetween } from "../parts/changes.js";

export const releases = {
  fresh: true,
  title: () => "Releases",

  async load(route, signal) {
    const { query } = route,
      product = query.get("product") ?? "";
    const all = (await read(["releases"], {}, signal)).releases;
    const a = query.get("a"),
      b = query.get("b");
    const changes = a && b ? await read(["releases", a, "changes", b], {}, signal) : null;
    return { all, product, a, b, changes };
  },

  draw({ all, product, a, b, changes }) {
    const names = [...new Set(all.map((each) => each.product))].sort();
    const shown = product ? all.filter((each) => each.product === product) : all;
    return h(
      "div",
      {},
      h("div", { class: "head" }, h("h1", {}, "Releases"), filter(names, product)),
      list(shown),
      comparison(all, product, a, b),
      changes ? changesBetween(changes, a, b) : null,
    );
  },
};

function filter(names, product) {
  if (names.length < 2) return null;
  const tab = (name, text) =>
    h(
      "a",
      {
        href: name ? `#/releases?product=${encodeURIComponent(name)}` : "#/releases",
        "aria-current": name === product ? "true" : null,
      },
      text,
    );
  return h(
    "nav",
    { class: "tabs", "aria-label": "Product" },
    tab("", "all"),
    names.map((name) => tab(name, name)),
  );
}

function list(shown) {
  if (!shown.length) {
    return card(
      "All releases",
      empty(
        "Nothing is released yet. When every month has its file and its tables, the record is computed, checked and released by itself; what is held for a decision appears here, too.",
      ),
    );
  }
  return card(
    "All releases",
    table(
      "Releases, the newest first",
      ["Release", "State", "Kind", "Months", "Since", "Why"],
      shown.map((each) => [
        h("a", { href: `#/releases/${encodeURIComponent(each.id)}`, class: "whole" }, each.id),
        badge(each.state),
        each.kind,
        h("span", { class: "whole" }, `${each.first} … ${each.last}`),
        ago(each.decided_at ?? each.created_at),
        why(each),
      ]),
    ),
  );
}

// All of it stands on the page of the release.
function why(each) {
  const text = each.decision || each.reasons.join("; ");
  return text ? h("span", { class: "why clamped", title: text }, text) : "–";
}

function comparison(all, product, a, b) {
  const released = all.filter((each) => each.state === "released" && (!product || each.product === product));
  const products = new Map(released.map((each) => [each.id, each.product]));
  // Two of one product, the newest of it
  const later = released.find((each, index) =>
    released.slice(index + 1).some((other) => other.product === each.product),
  );
  if (!later) return null;
  const earlier = released.slice(released.indexOf(later) + 1).find((each) => each.product === later.product);
  const select = (name, value) =>
    h(
      "select",
      {
        name,
        id: `compare-${name}`,
        value,
        onchange: (event) => event.currentTarget.form.elements.b.setCustomValidity(""),
      },
      [...products.keys()].map((id) => h("option", { value: id }, id)),
    );
  return card(
    "What changed between two releases",
    h(
      "form",
      { class: "row", "data-key": `compare ${product} ${a} ${b}`, onsubmit: (event) => compare(event, products) },
      h("label", {}, "From ", select("a", products.has(a) ? a : earlier.id)),
      h("label", {}, " to ", select("b", products.has(b) ? b : later.id)),
      h("button", {}, "Compare"),
    ),
  );
}

function compare(event, products) {
  event.preventDefault();
  const { a, b } = event.currentTarget.elements;
  if (products.get(a.value) !== products.get(b.value)) {
    b.setCustomValidity("Take two releases of one product.");
    b.reportValidity();
  } else location.hash = `#/releases?${new URLSearchParams({ a: a.value, b: b.value })}`;
}
