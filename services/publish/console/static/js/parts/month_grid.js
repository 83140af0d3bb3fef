// The grid of all months: years are rows; a state is a letter, a pattern and a frame besides its colour.

import { h } from "../elements.js";
import { look, monthIndex, monthName, monthOf, monthSentence, STATES } from "../words.js";

const LETTERS = ["J", "F", "M", "A", "M", "J", "J", "A", "S", "O", "N", "D"];
// Other steps than this one through the grid are those of the keys of a table.
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -12, ArrowDown: 12 };

/** Grid of the months of a product, with what its signs mean. */
export function monthGrid(answer, product) {
  const months = new Map(answer.months.map((month) => [month.month, month]));
  const indices = answer.months.map((month) => monthIndex(month.month));
  const first = Math.floor(Math.min(...indices) / 12),
    last = Math.floor(Math.max(...indices) / 12);
  const rows = [];
  for (let year = first; year <= last; year += 1) rows.push(row(year, months, answer, Math.max(...indices)));
  return h(
    "div",
    { class: "months", "data-key": `months ${product}` },
    h(
      "table",
      {
        class: "month-grid",
        role: "grid",
        "aria-label": `Months of ${product}`,
        onkeydown: walk,
        onpointerover: hover,
      },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, h("span", { class: "unseen" }, "Year")),
          LETTERS.map((letter, index) =>
            h(
              "th",
              { scope: "col" },
              h("span", { "aria-hidden": "true" }, letter),
              h("span", { class: "unseen" }, monthName(`0-${index + 1}`).split(" ")[0]),
            ),
          ),
        ),
      ),
      h("tbody", {}, rows),
    ),
    h(
      "p",
      { class: "month-reading", "aria-hidden": "true", "data-alive": true },
      "Point at a month to read it, open it for its story. Arrow keys walk through the grid.",
    ),
  );
}

function row(year, months, answer, newest) {
  const cells = LETTERS.map((_, index) => {
    const month = months.get(monthOf(year * 12 + index));
    return h("td", {}, month ? cell(month, answer.threshold_mm, year * 12 + index === newest) : null);
  });
  return h("tr", {}, h("th", { scope: "row" }, String(year)), cells);
}

function cell(month, threshold, isEntrance) {
  const name = look(month);
  return h(
    "a",
    {
      href: `#/months/${month.month}`,
      class: `month is-${name}`,
      "data-roving": true,
      "data-month": month.month,
      tabindex: isEntrance ? "0" : "-1",
      "aria-label": monthSentence(month, threshold),
      onfocus: enter,
    },
    STATES[name].letter,
  );
}

/** What the signs of the grid mean, with how many months bear each. */
export function legend(months) {
  const counts = new Map();
  for (const month of months) counts.set(look(month), (counts.get(look(month)) ?? 0) + 1);
  return h(
    "ul",
    { class: "legend", "aria-label": "What the signs mean" },
    Object.entries(STATES).map(([name, state]) =>
      h(
        "li",
        { class: counts.has(name) ? "" : "none" },
        h("span", { class: `month is-${name}`, "aria-hidden": "true" }, state.letter),
        `${state.word} `,
        h("b", {}, String(counts.get(name) ?? 0)),
      ),
    ),
  );
}

function walk(event) {
  const from = event.target.dataset?.month;
  if (!from || event.altKey || event.metaKey) return;
  const table = event.currentTarget;
  const index = monthIndex(from);
  let to = null;
  if (event.key in STEPS) to = find(table, index + STEPS[event.key]);
  else if (event.key === "Home") to = end(table, event.ctrlKey ? "" : from.slice(0, 4), 0);
  else if (event.key === "End") to = end(table, event.ctrlKey ? "" : from.slice(0, 4), -1);
  if (!to) return;
  event.preventDefault();
  to.focus();
}

function find(table, index) {
  return table.querySelector(`[data-month="${monthOf(index)}"]`);
}

function end(table, year, which) {
  return [...table.querySelectorAll("[data-month]")].filter((cell) => cell.dataset.month.startsWith(year)).at(which);
}

function enter(event) {
  const to = event.currentTarget,
    table = to.closest("table");
  for (const cell of table.querySelectorAll('[tabindex="0"]')) cell.tabIndex = -1;
  to.tabIndex = 0;
  tellBelow(table, to);
}

function hover(event) {
  const over = event.target.closest("[data-month]");
  if (over) tellBelow(event.currentTarget, over);
}

function tellBelow(table, cell) {
  table.parentElement.querySelector(".month-reading").textContent = cell.getAttribute("aria-label");
}
