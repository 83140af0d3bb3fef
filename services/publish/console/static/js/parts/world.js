// The map itself: the picture of a layer, lines of latitude and longitude, basins, and what is chosen or drawn.

import { colour, script, styles } from "../elements.js";

const SCRIPT = "vendor/leaflet-1.9.4/leaflet.js";
const STYLE = "vendor/leaflet-1.9.4/leaflet.css";
const WORLD = [
  [-90, -180],
  [90, 180],
];
const SMALLEST = -4; // zoom; at 0 the world is 512 pixels wide
const STEP = 30; // degrees between lines
const dark = matchMedia("(prefers-color-scheme: dark)");

/** A world in `element`; `chosen` has point(latitude, longitude), basin(name) and corners(list) for what a person does. */
export async function world(element, chosen) {
  styles(STYLE);
  const L = await script(SCRIPT, "L");
  const map = L.map(element, {
    crs: L.CRS.EPSG4326,
    attributionControl: false,
    zoomSnap: 0,
    minZoom: SMALLEST,
    zoomDelta: 0.5,
    wheelPxPerZoomLevel: 120,
    preferCanvas: true,
    maxBounds: WORLD,
    maxBoundsViscosity: 1,
    fadeAnimation: false,
  });
  // What shows the whole world goes on doing so when the window changes.
  const fit = () => {
    const whole = map.getZoom() <= map.getMinZoom() + 0.01;
    map.invalidateSize({ animate: false });
    map.setMinZoom(SMALLEST);
    const least = map.getBoundsZoom(WORLD, false);
    if (whole || map.getZoom() < least) map.fitBounds(WORLD, { animate: false });
    map.setMinZoom(least);
    map.setMaxZoom(least + 5);
  };
  map.fitBounds(WORLD, { animate: false });
  map.setMinZoom(map.getZoom());
  fit();
  const sized = new ResizeObserver(fit);
  sized.observe(element);

  const state = { L, map, overlay: null, lines: graticule(L, map), basins: null, mark: null, corners: null, chosen };
  const recolour = () => paint(state);
  dark.addEventListener("change", recolour);
  map.on("click", (event) => clicked(state, event.latlng));
  return {
    show: (address) => show(state, address),
    setBasins: (features) => setBasins(state, features),
    mark: (what) => mark(state, what),
    draw: () => begin(state),
    finish: () => finish(state),
    cancel: () => cancel(state),
    leave: () => {
      sized.disconnect();
      dark.removeEventListener("change", recolour);
      map.remove();
    },
  };
}

function show(state, address) {
  const { L, map } = state;
  if (!address) {
    state.overlay?.remove();
    state.overlay = null;
  } else if (state.overlay) state.overlay.setUrl(address);
  else state.overlay = L.imageOverlay(address, WORLD, { className: "field", alt: "", interactive: false }).addTo(map);
}

function graticule(L, map) {
  const group = L.layerGroup().addTo(map);
  const style = { weight: 1, interactive: false };
  for (let longitude = -180; longitude <= 180; longitude += STEP)
    group.addLayer(
      L.polyline(
        [
          [-90, longitude],
          [90, longitude],
        ],
        style,
      ),
    );
  for (let latitude = -90 + STEP; latitude < 90; latitude += STEP)
    group.addLayer(
      L.polyline(
        [
          [latitude, -180],
          [latitude, 180],
        ],
        style,
      ),
    );
  group.eachLayer((line) => line.setStyle({ color: colour("graticule"), opacity: 0.6 }));
  return group;
}

function setBasins(state, features) {
  const { L, map } = state;
  state.basins?.remove();
  state.basins = null;
  if (!features) return;
  state.basins = L.geoJSON(features, {
    style: () => ({ color: colour("basin"), weight: 1.2, fillOpacity: 0.04 }),
    onEachFeature: (feature, layer) => {
      const title = document.createElement("span");
      title.textContent = feature.properties.title ?? feature.properties.name;
      layer.bindTooltip(title, { sticky: true });
      layer.on("click", (event) => {
        if (state.corners) return;
        L.DomEvent.stop(event);
        state.chosen.basin(feature.properties.name);
      });
    },
  }).addTo(map);
}

function paint(state) {
  state.lines.eachLayer((line) => line.setStyle({ color: colour("graticule") }));
  state.basins?.setStyle({ color: colour("basin") });
  state.mark?.setStyle({ color: colour("mark") });
}

/** Mark a place: { point: [latitude, longitude] }, { polygon: [[longitude, latitude], …] }, { feature } or nothing. */
function mark(state, what) {
  const { L, map } = state;
  state.mark?.remove();
  const style = { color: colour("mark"), weight: 2.5, fillOpacity: 0.08, interactive: false };
  if (what?.point)
    state.mark = L.circleMarker(what.point, { ...style, radius: 6, weight: 3.5, fillColor: "#ffffff", fillOpacity: 1 });
  else if (what?.polygon)
    state.mark = L.polygon(
      what.polygon.map(([longitude, latitude]) => [latitude, longitude]),
      style,
    );
  else if (what?.feature) state.mark = L.geoJSON(what.feature, { style, interactive: false });
  else state.mark = null;
  state.mark?.addTo(map);
}

function clicked(state, { lat, lng }) {
  const latitude = Math.max(-90, Math.min(90, lat)),
    longitude = Math.max(-180, Math.min(180, lng));
  if (state.corners) addCorner(state, latitude, longitude);
  else state.chosen.point(latitude, longitude);
}

function begin(state) {
  cancel(state);
  mark(state, null);
  state.corners = [];
  state.map.getContainer().classList.add("drawing");
  state.sketch = state.L.layerGroup().addTo(state.map);
}

function addCorner(state, latitude, longitude) {
  state.corners.push([round(longitude), round(latitude)]);
  const { L } = state,
    style = { color: colour("mark"), weight: 2, interactive: false };
  const line = state.corners.map(([x, y]) => [y, x]);
  state.sketch.clearLayers();
  state.sketch.addLayer(L.polygon(line, { ...style, dashArray: "5 4", fillOpacity: 0.06 }));
  for (const corner of line) state.sketch.addLayer(L.circleMarker(corner, { ...style, radius: 4, fillOpacity: 1 }));
  state.chosen.corners(state.corners);
}

function round(value) {
  return Math.round(value * 100) / 100;
}

function finish(state) {
  const corners = state.corners ?? [];
  cancel(state);
  return corners;
}

function cancel(state) {
  state.corners = null;
  state.sketch?.remove();
  state.sketch = null;
  state.map.getContainer().classList.remove("drawing");
}
