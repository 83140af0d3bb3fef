// How far the record is, and whether something needs a person.

import { read } from "../api.js";
import { h } from "../elements.js";
import { legend, monthGrid } from "../parts/month_grid.js";
import { drawNoise, noiseFrame } from "../parts/noise_chart.js";
import { machine } from "../parts/machine.js";
import { ago, card, empty } from "../parts/tables.js";
import { count, isNumber, moment, monthName, number, span } from "../words.js";

const SEVERE = { critical: 0, warning: 1, info: 2 };
const AT_ONCE = 4; // alarms that are shown without opening the list

export const overview = {
  fresh: true,
  title: () => "Overview",

  async load(route, signal) {
    const product = route.query.get("product"); // without one the server takes the first
    const [status, months] = await Promise.all([read(["status"], {}, signal), read(["months"], { product }, signal)]);
    return { status, product: months.product, months };
  },

  draw({ status, product, months }) {
    document.getElementById("version").textContent = `gravstream ${status.version}`;
    const chosen = status.products.find((each) => each.name === product);
    return h(
      "div",
      { class: "overview" },
      h("div", { class: "head" }, h("h1", {}, "Overview"), products(status.products, product)),
      attention(status),
      chosen ? newest(chosen, status) : null,
      h("div", { class: "columns" }, h("div", {}, record(months, product), noise(months, product)), machine(status)),
    );
  },

  drawn(element, { months }) {
    const frame = element.querySelector(".chart");
    if (frame) drawNoise(frame, months);
  },
};

function products(all, chosen) {
  if (all.length < 2) return null;
  return h(
    "nav",
    { class: "tabs", "aria-label": "Product" },
    all.map((each) =>
      h(
        "a",
        {
          href: `#/overview?product=${encodeURIComponent(each.name)}`,
          "aria-current": each.name === chosen ? "true" : null,
          title: each.title,
        },
        each.name,
      ),
    ),
  );
}

function attention(status) {
  const all = [...status.attention].sort((a, b) => (SEVERE[a.severity] ?? 3) - (SEVERE[b.severity] ?? 3));
  if (!all.length)
    return h(
      "p",
      { class: "calm", "data-key": "attention" },
      h("span", { "aria-hidden": "true" }, "✓ "),
      "Nothing needs attention.",
    );
  const list = (some) =>
    h(
      "ul",
      { class: "alarms" },
      some.map((alarm) => alarmRow(alarm, status.now)),
    );
  const more = all.length - AT_ONCE;
  return h(
    "section",
    { class: "card attention", "data-key": "attention" },
    h("h2", {}, `${count(all.length, "thing needs", "things need")} attention`),
    list(all.slice(0, AT_ONCE)),
    more > 0 ? h("details", {}, h("summary", {}, `and ${more} more`), list(all.slice(AT_ONCE))) : null,
  );
}

function alarmRow(alarm, now) {
  return h(
    "li",
    { class: `alarm is-${alarm.severity}` },
    h("b", { class: "severity" }, alarm.severity),
    h(
      "div",
      { class: "what" },
      h("p", { class: "clamped", title: alarm.text }, alarm.text),
      h(
        "p",
        { class: "soft" },
        [alarm.alert, alarm.since ? ` for ${span(moment(now) - moment(alarm.since))}` : ""],
        subject(alarm.subject),
      ),
    ),
    alarm.playbook
      ? h(
          "a",
          {
            href: alarm.playbook.replace(/^\//, ""),
            "aria-label": `What to do about ${alarm.alert}: ${alarm.subject}`,
          },
          "What to do",
        )
      : null,
  );
}

// What an alarm is about has a page of its own, if it is a month or a release.
function subject(name) {
  if (/^\d{4}-\d{2}$/.test(name)) return [" · ", h("a", { href: `#/months/${name}` }, name)];
  if (/-\d+$/.test(name)) return [" · ", h("a", { href: `#/releases/${encodeURIComponent(name)}` }, name)];
  return null;
}

function newest(product, status) {
  const tile = (name, month, more, none = "none yet") =>
    h(
      "div",
      { class: "tile" },
      h("h3", {}, name),
      month
        ? h("a", { class: "big", href: `#/months/${month}` }, monthName(month))
        : h("p", { class: "big none" }, none),
      h("p", { class: "soft" }, more),
    );
  const released = product.newest_released
    ? [
        ago(product.released_at, status.now),
        product.latest
          ? [" in ", h("a", { href: `#/releases/${encodeURIComponent(product.latest)}` }, product.latest)]
          : null,
      ]
    : "Nothing is released yet: when all months and their tables are there, the record is checked and released by itself.";
  const working = product.newest_in_process
    ? `waiting, computed or checked for ${span(moment(status.now) - moment(product.in_process_at))}`
    : "all that came is released";
  return h(
    "section",
    { class: "newest", "aria-label": "Newest month", "data-key": "newest" },
    h("h2", { class: "unseen" }, "Newest month"),
    tile(
      "Newest upstream",
      product.newest_upstream,
      product.upstream_at ? ["seen ", ago(product.upstream_at, status.now)] : "upstream was not read yet",
    ),
    tile("In process", product.newest_in_process, working, "none"),
    tile("Released", product.newest_released, released),
  );
}

function record(months, product) {
  if (!months.months.length)
    return card("All months", empty("No month is known yet. The first look at upstream will fill this grid."));
  return card("All months", monthGrid(months, product), legend(months.months));
}

function noise(months, product) {
  if (!months.months.some((month) => isNumber(month.noise_mm))) {
    return card("Noise of each month", empty("Maps have it, as soon as the whole record has been evaluated once."));
  }
  const worst = months.months.filter((month) => month.fallback).map((month) => month.month);
  const threshold = isNumber(months.threshold_mm) ? `Threshold ${number(months.threshold_mm)} mm. ` : "";
  const fallen = worst.length
    ? `${count(worst.length, "month uses", "months use")} VDK2: ${worst.join(", ")}.`
    : "No month is above it.";
  return card("Noise of each month", h("p", { class: "soft" }, threshold + fallen), noiseFrame(product));
}
