// The months of a release as a slider that can be played; months without a solution are marked below it.

import { fill, h } from "../elements.js";
import { monthName } from "../words.js";

const PAUSE = 650; // milliseconds a month is shown while it plays

/** A slider over months; `shown(month)` is called for each and may return a promise that is waited for. */
export function timeSlider(months, missing, start, shown) {
  const absent = new Set(missing);
  const all = [...months, ...missing].sort();
  const say = (index) => monthName(all[index]) + (absent.has(all[index]) ? ", no solution" : "");
  const range = h("input", {
    type: "range",
    id: "month",
    min: "0",
    max: String(all.length - 1),
    step: "1",
    value: String(Math.max(0, all.indexOf(start))),
  });
  const label = h("output", { class: "month-shown", for: "month" });
  const play = h("button", { type: "button", class: "play" });
  let running = null;

  const update = () => {
    const index = Number(range.value);
    range.setAttribute("aria-valuetext", say(index));
    label.textContent = monthName(all[index]);
    return shown(all[index], absent.has(all[index]));
  };
  const stop = () => {
    running = null;
    fill(play, h("span", { "aria-hidden": "true" }, "▶ "), "Play");
  };
  const run = async (mine) => {
    while (running === mine && range.isConnected) {
      let next = (Number(range.value) + 1) % all.length;
      while (absent.has(all[next])) next = (next + 1) % all.length;
      range.value = String(next);
      await update();
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  };
  play.onclick = () => {
    if (running) return stop();
    running = {};
    fill(play, h("span", { "aria-hidden": "true" }, "❚❚ "), "Stop");
    return run(running);
  };
  const step = (by) => {
    stop();
    range.value = String(Number(range.value) + by);
    update();
  };
  range.oninput = () => {
    stop();
    update();
  };
  stop();
  const node = h(
    "div",
    { class: "time" },
    h("button", { type: "button", "aria-label": "Month before", onclick: () => step(-1) }, "‹"),
    play,
    h("button", { type: "button", "aria-label": "Month after", onclick: () => step(1) }, "›"),
    h("div", { class: "track" }, h("label", { class: "unseen", for: "month" }, "Month"), range, gaps(all, absent)),
    label,
  );
  return { node, update, stop, month: () => all[Number(range.value)] };
}

function gaps(all, absent) {
  const strip = h("div", { class: "gaps", "aria-hidden": "true", title: "Marked: months without a solution" });
  const share = 100 / Math.max(1, all.length - 1);
  all.forEach((month, index) => {
    if (!absent.has(month)) return;
    const sign = h("i");
    sign.style.left = `${(index - 0.5) * share}%`;
    sign.style.width = `${share}%`;
    strip.append(sign);
  });
  return strip;
}
