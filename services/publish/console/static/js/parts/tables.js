// Cards, tables and lists as every page has them.

import { h } from "../elements.js";
import { age, clock } from "../words.js";

/** A part of a page with its heading. */
export function card(title, ...children) {
  return h("section", { class: "card", "data-key": title }, h("h2", {}, title), children);
}

/** A table that scrolls by itself where the page is narrow. */
export function table(caption, heads, rows) {
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": caption },
    h(
      "table",
      { class: "data" },
      h("caption", { class: "unseen" }, caption),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          heads.map((head) => h("th", { scope: "col" }, head)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((row) =>
          h(
            "tr",
            {},
            row.map((value, index) => (index ? h("td", {}, value) : h("th", { scope: "row" }, value))),
          ),
        ),
      ),
    ),
  );
}

/** Names with their values. */
export function facts(pairs) {
  return h(
    "dl",
    { class: "facts" },
    pairs
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

/** A moment as its age; when exactly, in the title and for those who listen. */
export function ago(time, now) {
  return time
    ? h("time", { class: "whole", datetime: time, title: clock(time) }, age(time, now))
    : h("span", {}, "never");
}

/** A state as a small word in a frame. */
export function badge(state, word = state) {
  return h("span", { class: `badge is-${state}` }, word);
}

/** What is said where there is nothing. */
export function empty(sentence) {
  return h("p", { class: "empty" }, sentence);
}
