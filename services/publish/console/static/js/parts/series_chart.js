// The series of a place: its values with a band of uncertainty; a gap of the record stays a gap.

import { colour, h } from "../elements.js";
import { isNumber, middle, monthName, number } from "../words.js";
import { axes, chart, chartFrame } from "./chart.js";
import { table } from "./tables.js";

export function seriesFrame(key, label) {
  return chartFrame(key, label, 260);
}

/** Draw a series of the interface: months, twsa_mm, uncertainty_mm, fallback. */
export function drawSeries(frame, series) {
  const around = (sign) =>
    series.twsa_mm.map((value, index) =>
      isNumber(value) && isNumber(series.uncertainty_mm[index]) ? value + sign * series.uncertainty_mm[index] : null,
    );
  return chart(frame, {
    data: [series.months.map(middle), series.twsa_mm, around(1), around(-1)],
    options,
    reading: (index) => sentence(series, index),
    rest: "Band: one standard deviation. Gaps are months without a solution.",
  });
}

function sentence(series, index) {
  const name = monthName(series.months[index]),
    value = series.twsa_mm[index];
  if (!isNumber(value)) return `${name}: no solution`;
  const filter = series.fallback?.[index] ? ", VDK2" : "";
  return `${name}: ${number(value)} ± ${number(series.uncertainty_mm[index])} mm${filter}`;
}

function options() {
  const edge = { stroke: "transparent", points: { show: false }, spanGaps: false };
  return {
    axes: axes("water [mm]"),
    cursor: { y: false, drag: { x: false, y: false } },
    series: [
      {},
      {
        stroke: colour("series"),
        width: 1.5,
        spanGaps: false,
        points: { show: true, size: 3, fill: colour("series") },
      },
      edge,
      edge,
    ],
    bands: [{ series: [2, 3], fill: colour("band") }],
  };
}

/** The same numbers as a table, behind a door. */
export function seriesTable(series) {
  const door = h("details", { class: "numbers" }, h("summary", {}, "The numbers as a table"));
  door.ontoggle = () => {
    if (door.open && door.children.length === 1)
      door.append(
        table(
          "Series in numbers",
          ["Month", "Water [mm]", "Uncertainty [mm]", "Filter"],
          series.months.map((name, index) => [
            name,
            number(series.twsa_mm[index]),
            number(series.uncertainty_mm[index]),
            isNumber(series.twsa_mm[index]) ? (series.fallback?.[index] ? "VDK2" : "VDK3") : "no solution",
          ]),
        ),
      );
  };
  return door;
}
