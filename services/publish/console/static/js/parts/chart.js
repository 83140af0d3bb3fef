// A chart that follows its width and the colours of the page, and that can be read by keyboard.

import { colour, h, script, styles } from "../elements.js";

const SCRIPT = "vendor/uplot-1.6.32/uPlot.iife.min.js";
const STYLE = "vendor/uplot-1.6.32/uPlot.min.css";

const charts = new WeakMap();
const dark = matchMedia("(prefers-color-scheme: dark)");

/** The frame of a chart; `chart` draws into it once it is on the page. */
export function chartFrame(key, label, height) {
  const frame = h(
    "div",
    {
      class: "chart",
      "data-key": key,
      "data-alive": true,
      tabindex: "0",
      role: "group",
      "aria-roledescription": "chart",
      "aria-label": `${label}. Arrow keys read one value after the other.`,
    },
    h("div", { class: "chart-area" }, h("p", { class: "loading" }, "Drawing …")),
    h("p", { class: "chart-reading", role: "status" }),
  );
  frame.dataset.height = height;
  return frame;
}

/** Draw into a frame, or bring its drawing up to date.
 *
 * plan: data(): the columns of uPlot; options(): its options but for size; reading(index): the sentence about a value.
 */
export async function chart(frame, plan) {
  let known = charts.get(frame);
  const text = JSON.stringify(plan.data);
  if (known) {
    known.plan = plan;
    if (known.text !== text) redraw(frame);
    known.text = text;
    return;
  }
  known = { plan, text, plot: null };
  charts.set(frame, known);
  styles(STYLE);
  await script(SCRIPT, "uPlot");
  redraw(frame);
  new ResizeObserver(() => resize(frame)).observe(frame);
  dark.addEventListener("change", () => frame.isConnected && redraw(frame));
  frame.addEventListener("keydown", (event) => step(event, frame));
}

function redraw(frame) {
  const known = charts.get(frame);
  const area = frame.firstElementChild;
  known.plot?.destroy();
  area.replaceChildren();
  const options = {
    ...known.plan.options(),
    width: area.clientWidth,
    height: Number(frame.dataset.height),
    legend: { show: false },
  };
  options.hooks = { ...(options.hooks ?? {}), setCursor: [(plot) => say(frame, plot.cursor.idx)] };
  known.plot = new window.uPlot(options, known.plan.data, area);
  say(frame, null);
}

function resize(frame) {
  const { plot } = charts.get(frame);
  const width = frame.firstElementChild.clientWidth;
  if (plot && width && width !== plot.width) plot.setSize({ width, height: Number(frame.dataset.height) });
}

function say(frame, index) {
  const { plan } = charts.get(frame);
  frame.lastElementChild.textContent = index === null || index === undefined ? (plan.rest ?? "") : plan.reading(index);
}

function step(event, frame) {
  const { plot, plan } = charts.get(frame);
  const last = plan.data[0].length - 1;
  const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: -12, PageDown: 12, Home: -Infinity, End: Infinity };
  if (!plot || !(event.key in moves)) return;
  event.preventDefault();
  const from = plot.cursor.idx ?? last + 1;
  const to = Math.min(last, Math.max(0, from + moves[event.key]));
  const left = plot.valToPos(plan.data[0][to], "x");
  plot.setCursor({ left, top: plot.bbox.height / window.devicePixelRatio / 2 });
}

/** The picture of a chart with a title above, as a Blob. */
export function chartPicture(frame, title) {
  const { plot } = charts.get(frame);
  const source = plot.ctx.canvas,
    scale = window.devicePixelRatio,
    top = 36 * scale;
  const canvas = h("canvas", { width: source.width, height: source.height + top });
  const pen = canvas.getContext("2d");
  pen.fillStyle = colour("surface");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = colour("ink");
  pen.font = `${14 * scale}px system-ui, sans-serif`;
  pen.fillText(title, 12 * scale, 23 * scale, canvas.width - 24 * scale);
  pen.drawImage(source, 0, top);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

const YEAR = 31556952,
  MONTH = YEAR / 12; // seconds
const PER_TICK = 64; // pixels that a label of time needs

// Whole years, or whole months where few years are shown; uPlot's own would begin at any year.
function moments(plot, _, from, to) {
  const room = Math.max(2, Math.floor(plot.bbox.width / window.devicePixelRatio / PER_TICK));
  const steps = [1, 3, 6, 12, 24, 60, 120];
  const step = steps.find((months) => (to - from) / (months * MONTH) <= room) ?? steps.at(-1);
  const found = [],
    start = new Date(from * 1000);
  const first = start.getUTCFullYear() * 12 + start.getUTCMonth();
  for (let index = Math.ceil(first / step) * step; ; index += step) {
    const at = Date.UTC(Math.floor(index / 12), index % 12, 1) / 1000;
    if (at > to) return found;
    if (at >= from) found.push(at);
  }
}

function momentWords(_, ticks) {
  const words = ticks.map((tick) => new Date(tick * 1000).toISOString().slice(0, 7));
  return words.every((word) => word.endsWith("-01")) ? words.map((word) => word.slice(0, 4)) : words;
}

/** Axes as every chart of the console has them: time below, a quantity at the left. */
export function axes(label) {
  const font = "12px system-ui, sans-serif";
  const look = {
    stroke: colour("soft"),
    font,
    grid: { stroke: colour("tick"), width: 1 },
    ticks: { stroke: colour("tick"), width: 1, size: 4 },
  };
  return [
    { ...look, size: 30, splits: moments, values: momentWords },
    {
      ...look,
      size: 56,
      label,
      labelSize: 18,
      labelFont: font,
      values: (_, ticks) => ticks.map((tick) => String(tick).replace("-", "−")),
    },
  ];
}
