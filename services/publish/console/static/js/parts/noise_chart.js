// Noise over the open ocean of every month, against the threshold of the fallback to VDK2.

import { colour } from "../elements.js";
import { isNumber, middle, monthSentence } from "../words.js";
import { axes, chart, chartFrame } from "./chart.js";

/** Frame of the noise of all months of a product. */
export function noiseFrame(product) {
  return chartFrame(`noise ${product}`, "Noise of each month against the threshold of the fallback", 230);
}

/** Draw it. */
export function drawNoise(frame, answer) {
  const months = answer.months.filter((month) => isNumber(month.noise_mm));
  const usual = months.map((month) => (month.fallback ? null : month.noise_mm));
  const fallen = months.map((month) => (month.fallback ? month.noise_mm : null));
  const limit = months.map(() => answer.threshold_mm ?? null);
  return chart(frame, {
    data: [months.map((month) => middle(month.month)), usual, fallen, limit],
    options,
    reading: (index) => monthSentence(months[index], answer.threshold_mm),
    rest: "Each dot is a month; diamonds above the dashed line fell back to the stronger filter VDK2.",
  });
}

function options() {
  const dot = (name, size) => ({ stroke: colour(name), fill: colour(name), size, show: true });
  return {
    scales: { y: { range: (_, low, high) => [0, Math.max(1, high * 1.12)] } },
    axes: axes("noise [mm]"),
    cursor: { y: false, drag: { x: false, y: false } },
    series: [
      {},
      { paths: () => null, points: dot("series", 6) },
      { paths: () => null, points: { show: diamonds } },
      { stroke: colour("limit"), width: 1.5, dash: [6, 4], points: { show: false } },
    ],
  };
}

// Fallback months are diamonds: told apart without colour.
function diamonds(plot, series) {
  const { ctx } = plot,
    half = 5.5 * window.devicePixelRatio;
  ctx.save();
  ctx.fillStyle = colour("limit");
  plot.data[series].forEach((value, index) => {
    if (value === null) return;
    const x = plot.valToPos(plot.data[0][index], "x", true),
      y = plot.valToPos(value, "y", true);
    ctx.beginPath();
    ctx.moveTo(x, y - half);
    ctx.lineTo(x + half, y);
    ctx.lineTo(x, y + half);
    ctx.lineTo(x - half, y);
    ctx.closePath();
    ctx.fill();
  });
  ctx.restore();
  return false;
}
