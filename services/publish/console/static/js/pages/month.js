// The story of one month: how far it is in every product, its files, its work, and what happened when.

import { read } from "../api.js";
import { h } from "../elements.js";
import { ago, badge, card, empty, facts, table } from "../parts/tables.js";
import { clock, isNumber, look, monthIndex, monthName, monthOf, number, size, STATES } from "../words.js";

const STAGES = ["upstream", "processed", "evaluated", "released"];

export const month = {
  fresh: true,
  title: (route) => monthName(route.rest[0]),

  load: (route, signal) => read(["months", route.rest[0]], {}, signal),

  draw(story) {
    return h(
      "div",
      { class: "story" },
      h("div", { class: "head" }, h("h1", {}, monthName(story.month)), neighbours(story.month)),
      h(
        "div",
        { class: "cards" },
        story.products.map((product) => stand(product, story.month)),
      ),
      h(
        "p",
        { class: "doors" },
        h("a", { href: `#/map?month=${story.month}` }, "Show it on the map"),
        " · ",
        h("a", { href: `#/act?months=${story.month}` }, "Compute it again"),
      ),
      history(story.events),
      files(story.files),
      work(story.units),
    );
  },
};

function neighbours(name) {
  const index = monthIndex(name);
  const link = (to, text) => h("a", { href: `#/months/${monthOf(to)}`, "aria-label": monthName(monthOf(to)) }, text);
  return h(
    "nav",
    { class: "tabs", "aria-label": "Months beside" },
    link(index - 1, `‹ ${monthOf(index - 1)}`),
    link(index + 1, `${monthOf(index + 1)} ›`),
  );
}

function stand(product, name) {
  const state = look(product);
  return card(
    product.name ?? product.product,
    h(
      "p",
      { class: "stand" },
      h("span", { class: `month is-${state}`, "aria-hidden": "true" }, STATES[state].letter),
      " ",
      h("b", {}, STATES[state].word),
    ),
    product.reason ? h("p", {}, product.reason) : null,
    stages(product.stages ?? {}),
    facts([
      ["Noise", isNumber(product.noise_mm) ? noiseWords(product) : null],
      [
        "Filter",
        isNumber(product.noise_mm)
          ? product.fallback
            ? "residual by VDK2, because of its noise"
            : "residual by VDK3"
          : null,
      ],
      [
        "Release",
        product.release ? h("a", { href: `#/releases/${encodeURIComponent(product.release)}` }, product.release) : null,
      ],
    ]),
    h("span", { class: "unseen" }, `State of ${name}`),
  );
}

function noiseWords(product) {
  if (!isNumber(product.threshold_mm)) return `${number(product.noise_mm)} mm`;
  const side = product.noise_mm > product.threshold_mm ? "above" : "below";
  return `${number(product.noise_mm)} mm, ${side} the threshold of ${number(product.threshold_mm)} mm`;
}

function stages(times) {
  return h(
    "ol",
    { class: "stages" },
    STAGES.map((name) => {
      const time = times[name];
      return h(
        "li",
        { class: time ? "reached" : "ahead" },
        h("span", { class: "stage" }, name),
        h("span", { class: "soft" }, time ? (typeof time === "string" ? clock(time) : "done") : "not yet"),
      );
    }),
  );
}

function history(events) {
  if (!events.length) return card("What happened", empty("Nothing has happened to this month."));
  return card(
    "What happened",
    h(
      "ol",
      { class: "events" },
      events.map((event) =>
        h(
          "li",
          {},
          h("time", { datetime: event.time }, clock(event.time)),
          h("span", {}, event.text, isPerson(event.who) ? h("span", { class: "soft" }, ` by ${event.who}`) : null),
        ),
      ),
    ),
  );
}

// Of the system and its processes (host:number) it is not worth saying.
function isPerson(who) {
  return who && who !== "system" && !/:\d+$/.test(who);
}

function files(all) {
  if (!all.length) return card("Files", empty("No file of this month has come in."));
  return card(
    "Files",
    table(
      "Files of this month",
      ["Name", "State", "Version", "Size", "Came", "SHA-256", "About"],
      all.map((file) => [
        h("span", { class: "name" }, file.name),
        badge(file.state),
        String(file.version ?? ""),
        size(file.size),
        clock(file.arrived_at),
        h("code", { title: file.sha256 }, (file.sha256 ?? "").slice(0, 12)),
        file.reason ? h("span", { class: "why clamped", title: file.reason }, file.reason) : "–",
      ]),
    ),
  );
}

function work(units) {
  if (!units.length) return card("Work", empty("Nothing is to be computed for this month."));
  return card(
    "Work",
    table(
      "Units of work for this month",
      ["Product", "Kind", "State", "Took", "Last change", "Key", "About"],
      units.map((unit) => [
        unit.product,
        unit.kind,
        badge(unit.state),
        isNumber(unit.seconds) ? `${number(unit.seconds, 2)} s` : "–",
        ago(unit.updated_at),
        h("code", { title: unit.key }, unit.key.slice(0, 12)),
        h("span", { class: "why clamped", title: unit.error || unit.reason }, unit.error || unit.reason || "–"),
      ]),
    ),
  );
}
