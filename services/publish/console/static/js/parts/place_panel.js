// A place and its series: a point, a river basin or a polygon, chosen by hand, by name or by numbers.

import { address, read, Refused, send, sendForFile, Silent } from "../api.js";
import { fill, h, tell } from "../elements.js";
import { fileButton, fileLink, FORMATS } from "../saving.js";
import { isNumber, number, place } from "../words.js";
import { chartPicture } from "./chart.js";
import { drawSeries, seriesFrame, seriesTable } from "./series_chart.js";

/** Corners from a text such as "-70 -10, -50 -10, -50 5": longitude before latitude. */
export function cornersOf(text) {
  const numbers = (text.match(/[-−]?\d+(\.\d+)?/g) ?? []).map((each) => Number(each.replace("−", "-")));
  if (numbers.length < 6 || numbers.length % 2) throw new Error("Give at least three corners, each as longitude and latitude.");
  const corners = [];
  for (let index = 0; index < numbers.length; index += 2) corners.push([numbers[index], numbers[index + 1]]);
  if (corners.some(([x, y]) => Math.abs(x) > 360 || Math.abs(y) > 90)) throw new Error("Latitudes reach from −90 to 90; longitudes may go on beyond 180 across the date line.");
  return corners;
}

/** What the interface knows about a place: { title, series, files }. */
async function ask(release, where, signal) {
  if (where.point) {
    const [lat, lon] = where.point.map((value) => value.toFixed(3));
    const series = await read(["releases", release, "point.json"], { lat, lon }, signal);
    const link = (kind) => fileLink(address(["releases", release, `point.${kind}`], { lat, lon }), `${release}_${lat}_${lon}.${kind}`, FORMATS[kind], `Series of the point as ${kind}`);
    return { title: `Point ${place(series.latitude, series.longitude)}`, series, files: [link("csv"), link("nc")] };
  }
  if (where.basin) {
    const series = await read(["releases", release, "area.json"], { basin: where.basin }, signal);
    const link = (kind) => fileLink(address(["releases", release, `area.${kind}`], { basin: where.basin }), `${release}_${where.basin}.${kind}`, FORMATS[kind], `Series of the basin as ${kind}`);
    return { title: series.title ?? series.name ?? where.basin, series, files: [link("csv"), link("nc")] };
  }
  const body = { polygon: where.polygon };
  const series = await send(["releases", release, "area.json"], body, signal);
  const button = (kind) => fileButton(() => sendForFile(["releases", release, `area.${kind}`], body), `${release}_area.${kind}`, FORMATS[kind], `Series of the polygon as ${kind}`);
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
  const picture = fileButton(() => chartPicture(frame, `${title}: water storage anomaly, ${release}`), `${release}_series.png`, "PNG", "Series as picture");
  fill(box, h("h2", {}, title), h("p", { class: "soft" }, about.join(" · ")),
    there ? frame : h("p", { class: "notice" }, "There is no value here: the place lies in the sea or outside of the mask."),
    there ? h("p", { class: "files" }, "Take it along: ", picture, files) : null, there ? seriesTable(series) : null);
  if (there) drawSeries(frame, series);
  const last = series.twsa_mm.findLastIndex(isNumber);
  tell(there ? `${title}: ${about[0]}, last ${number(series.twsa_mm[last])} plus or minus ${number(series.uncertainty_mm[last])} millimetres` : "There is no value here");
}

/** The doors to a place that need no pointer: latitude and longitude, a basin, corners as text, and drawing. */
export function placeForms(basins, choose, drawing) {
  const point = h("form", { class: "row", onsubmit: (event) => {
    event.preventDefault();
    const { latitude, longitude } = event.currentTarget.elements;
    choose({ point: [Number(latitude.value), Number(longitude.value)] });
  } }, coordinate("latitude", "Latitude", 90), coordinate("longitude", "Longitude", 180), h("button", {}, "Show the point"));
  const basin = basins.length ? h("div", { class: "row" }, h("label", {}, "River basin ", h("select", { name: "basin", id: "basin", onchange: (event) => event.currentTarget.value && choose({ basin: event.currentTarget.value }) },
    h("option", { value: "" }, "choose …"), basins.map((each) => h("option", { value: each.name }, each.title ?? each.name))))) : null;
  const message = h("span", { class: "soft", role: "status" });
  const polygon = h("form", { class: "row polygon", onsubmit: (event) => {
    event.preventDefault();
    try {
      choose({ polygon: cornersOf(event.currentTarget.elements.corners.value) });
      message.textContent = "";
    } catch (error) {
      message.textContent = error.message;
    }
  } }, h("label", {}, "Corners: longitude latitude, …", h("input", { name: "corners", id: "corners", type: "text", placeholder: "-70 -10, -50 -10, -50 5", autocomplete: "off" })),
  h("button", {}, "Show the area"), drawing, message);
  return h("div", { class: "place-forms" }, point, basin, polygon);
}

function coordinate(name, title, limit) {
  return h("label", {}, `${title} `, h("input", { type: "number", name, id: name, min: -limit, max: limit, step: "any", required: true }));
}

