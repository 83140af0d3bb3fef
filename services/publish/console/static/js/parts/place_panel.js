// The series of a place: of a point, a river basin or a polygon.

import { address, read, Refused, send, sendForFile, Silent } from "../api.js";
import { fill, h, tell } from "../elements.js";
import { fileButton, fileLink, FORMATS } from "../saving.js";
import { isNumber, number, place } from "../words.js";
import { chartPicture } from "./chart.js";
import { drawSeries, seriesFrame, seriesTable } from "./series_chart.js";

/** What the interface knows about a place: { title, series, files }. */
async function ask(release, where, signal) {
  if (where.point) {
    const [lat, lon] = where.point.map((value) => value.toFixed(3));
    const series = await read(["releases", release, "point.json"], { lat, lon }, signal);
    const link = (kind) =>
      fileLink(
        address(["releases", release, `point.${kind}`], { lat, lon }),
        `${release}_${lat}_${lon}.${kind}`,
        FORMATS[kind],
        `Series of the point as ${kind}`,
      );
    return { title: `Point ${place(series.latitude, series.longitude)}`, series, files: [link("csv"), link("nc")] };
  }
  if (where.basin) {
    const series = await read(["releases", release, "area.json"], { basin: where.basin }, signal);
    const link = (kind) =>
      fileLink(
        address(["releases", release, `area.${kind}`], { basin: where.basin }),
        `${release}_${where.basin}.${kind}`,
        FORMATS[kind],
        `Series of the basin as ${kind}`,
      );
    return { title: series.title ?? series.name ?? where.basin, series, files: [link("csv"), link("nc")] };
  }
  const body = { polygon: where.polygon };
  const series = await send(["releases", release, "area.json"], body, signal);
  const button = (kind) =>
    fileButton(
      () => sendForFile(["releases", release, `area.${kind}`], body),
      `${release}_area.${kind}`,
      FORMATS[kind],
      `Series of the polygon as ${kind}`,
    );
  return { title: `Polygon of ${where.polygon.length} corners`, series, files: [button("csv"), button("nc")] };
}

/** Show the series of a place in `box`; a newer question ends an older one. */
let asked = null;
export async function showPlace(box, release, where) {
  asked?.abort();
  asked = new AbortController();
  const mine = asked;
  box.setAttribute("aria-busy", "true");
  try {
    const found = await ask(release, where, mine.signal);
    if (asked !== mine || !box.isConnected) return;
    put(box, release, found);
  } catch (error) {
    if (error.name === "AbortError" || asked !== mine) return;
    if (!(error instanceof Refused || error instanceof Silent)) throw error;
    fill(box, h("p", { class: "notice" }, `${error.message}. ${error.advice ?? ""}`));
    tell(error.message);
  } finally {
    if (asked === mine) box.removeAttribute("aria-busy");
  }
}

function put(box, release, { title, series, files }) {
  const there = series.twsa_mm.filter(isNumber).length;
  const about = [`${there} months of ${series.months.length}`];
  if (isNumber(series.area_km2)) about.push(`${Math.round(series.area_km2).toLocaleString("en")} km²`);
  if (isNumber(series.cells)) about.push(`${series.cells} cells`);
  about.push(release);
  const frame = seriesFrame(`series ${title}`, `Water storage of ${title} with its uncertainty`);
  const picture = fileButton(
    () => chartPicture(frame, `${title}: water storage anomaly, ${release}`),
    `${release}_series.png`,
    "PNG",
    "Series as picture",
  );
  fill(
    box,
    h("h2", {}, title),
    h("p", { class: "soft" }, about.join(" · ")),
    there
      ? frame
      : h("p", { class: "notice" }, "There is no value here: the place lies in the sea or outside of the mask."),
    there ? h("p", { class: "files" }, "Take it along: ", picture, files) : null,
    there ? seriesTable(series) : null,
  );
  if (there) drawSeries(frame, series);
  const last = series.twsa_mm.findLastIndex(isNumber);
  tell(
    there
      ? `${title}: ${about[0]}, last ${number(series.twsa_mm[last])} plus or minus ${number(series.uncertainty_mm[last])} millimetres`
      : "There is no value here",
  );
}
