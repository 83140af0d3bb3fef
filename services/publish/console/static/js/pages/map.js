// Maps of any release and month, and the series of any place on them.

import { address, read, Refused, Silent } from "../api.js";
import { fill, h, tell } from "../elements.js";
import { colourBar } from "../parts/colour_bar.js";
import { pictures } from "../parts/pictures.js";
import { choice, placeForms } from "../parts/place_forms.js";
import { showPlace } from "../parts/place_panel.js";
import { timeSlider } from "../parts/time_slider.js";
import { world } from "../parts/world.js";
import { fileLink, FORMATS } from "../saving.js";

let open = null; // what the shown map needs to be left in order

export const map = {
  fresh: false,
  title: () => "Map",

  async load(route, signal) {
    const all = (await read(["releases"], {}, signal)).releases;
    const shown = all.filter((each) => each.maps);
    const id = route.query.get("release") ?? shown[0]?.id;
    if (!id) return { shown };
    const view = await read(["releases", id, "view"], {}, signal);
    const basins = view.basins ? (await read(["basins"], {}, signal)).basins : [];
    return { shown, id, view, basins };
  },

  draw({ shown, id, view, basins }, route) {
    if (!view) return nothing();
    const state = { id, view, basins, layer: layerOf(view, route.query.get("layer")), query: route.query };
    const page = h("div", { class: "map-page", "data-alive": true });
    fill(
      page,
      h("div", { class: "head" }, h("h1", {}, "Map"), controls(state, shown)),
      h("div", { class: "columns" }, h("div", {}, stage(state), series(state)), side(state)),
    );
    page.state = state;
    return page;
  },

  drawn(page) {
    if (page.state) begin(page.state);
  },

  leave() {
    open?.slider?.stop();
    open?.pictures?.leave();
    open?.world?.leave();
    open = null;
  },
};

function nothing() {
  return h(
    "div",
    {},
    h("h1", {}, "Map"),
    h(
      "div",
      { class: "card" },
      h(
        "p",
        { class: "empty" },
        "Nothing is released yet, so there is nothing to map. As soon as the whole record is computed and has passed its checks, the first release appears here by itself. ",
        h("a", { href: "#/overview" }, "How far it is"),
      ),
    ),
  );
}

function layerOf(view, name) {
  return view.layers.find((each) => each.name === name) ?? view.layers[0];
}

function controls(state, shown) {
  const ids = shown.map((each) => each.id);
  if (!ids.includes(state.id)) ids.unshift(state.id);
  const release = choice(
    "release",
    "Release",
    state.id,
    ids.map((id) => [id, id]),
    (id) => {
      location.hash = `#/map?${new URLSearchParams({ ...where(state), release: id })}`;
    },
  );
  const layers = state.view.layers.map((each) => [each.name, each.title]);
  const layer = choice("layer", "Layer", state.layer.name, layers, (name) => {
    state.layer = layerOf(state.view, name);
    relayer(state);
  });
  return h("div", { class: "row" }, release, layer);
}

function stage(state) {
  state.canvas = h("div", {
    class: "world",
    role: "application",
    "aria-label": "Map. Arrow keys move it, plus and minus zoom; a place by keyboard is chosen in the form beside it.",
  });
  state.bar = h("div");
  state.notice = h("p", { class: "map-notice", hidden: true });
  state.files = h("p", { class: "files" });
  const last = state.view.months.at(-1);
  state.slider = timeSlider(
    state.view.months,
    state.view.missing ?? [],
    state.query.get("month") ?? last,
    (month, absent) => turn(state, month, absent),
  );
  return h(
    "section",
    { class: "card map-stage", "aria-label": "Map" },
    h("div", { class: "world-frame" }, state.canvas, state.notice),
    state.slider.node,
    state.bar,
    state.files,
  );
}

function series(state) {
  state.box = h(
    "div",
    { class: "series" },
    h(
      "p",
      { class: "empty" },
      "Click on the map, or choose a place by its numbers or name: its whole series appears here.",
    ),
  );
  return h("section", { class: "card", "aria-label": "Series" }, state.box);
}

function side(state) {
  const draw = h("button", { type: "button", class: "quiet", id: "draw" }, "Draw on the map");
  draw.onclick = () => drawing(state, draw);
  const basins = state.basins.length
    ? h(
        "label",
        { class: "check" },
        h("input", {
          type: "checkbox",
          id: "basins",
          onchange: (event) => outlines(state, event.currentTarget.checked),
        }),
        " Outlines of the river basins; a click takes the basin",
      )
    : null;
  return h(
    "section",
    { class: "card place" },
    h("h2", {}, "Choose a place"),
    placeForms(state.basins, (place) => choose(state, place), draw),
    basins,
  );
}

async function begin(state) {
  open = state;
  state.pictures = pictures(state.id);
  relayer(state);
  state.world = await world(state.canvas, {
    point: (latitude, longitude) => choose(state, { point: [latitude, longitude] }),
    basin: (name) => choose(state, { basin: name }),
    corners: (corners) => {
      document.getElementById("corners").value = corners.map((corner) => corner.join(" ")).join(", ");
    },
  });
  if (open !== state) return state.world.leave();
  state.slider.update();
  const { query } = state;
  if (query.has("lat")) choose(state, { point: [Number(query.get("lat")), Number(query.get("lon"))] });
  else if (query.has("basin")) choose(state, { basin: query.get("basin") });
  return null;
}

function relayer(state) {
  fill(state.bar, colourBar(state.layer));
  state.slider.node.hidden = !state.layer.monthly;
  state.slider.stop();
  state.slider.update();
}

/** Show a month of the layer, or the layer of the whole record. */
async function turn(state, month, absent) {
  const monthly = state.layer.monthly;
  const missing = monthly && absent;
  state.month = month;
  remember(state);
  linkFiles(state, monthly ? month : null, missing);
  if (!state.world) return;
  if (missing) {
    state.world.show(null);
    note(state, "No solution in this month");
    return;
  }
  try {
    const picture = await state.pictures.get(state.layer.name, monthly ? month : null);
    if (state.month !== month || open !== state) return;
    state.world.show(picture);
    note(state, "");
    ahead(state, month);
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Silent)) throw error;
    note(state, error.message);
  }
}

// The next month is asked for before it is wanted.
function ahead(state, month) {
  const next = state.view.months[state.view.months.indexOf(month) + 1];
  if (state.layer.monthly && next) state.pictures.get(state.layer.name, next).catch(() => {});
}

function note(state, sentence) {
  state.notice.hidden = !sentence;
  state.notice.textContent = sentence;
}

function linkFiles(state, month, missing) {
  const link = (kind, query = {}) =>
    fileLink(
      address(["releases", state.id, "map", `${state.layer.name}.${kind}`], { month, ...query }),
      [state.id, state.layer.name, month].filter(Boolean).join("_") + `.${kind}`,
      FORMATS[kind],
      `Map as ${kind}`,
    );
  fill(
    state.files,
    missing
      ? "No map to take along in this month."
      : ["Take this map along: ", link("png", { titled: true }), link("csv"), link("nc")],
  );
}

function where(state) {
  const { place } = state,
    known = { release: state.id, layer: state.layer.name, month: state.month };
  if (place?.point) [known.lat, known.lon] = place.point.map((value) => value.toFixed(2));
  if (place?.basin) known.basin = place.basin;
  return known;
}

// The address can be kept or passed on: it shows the same again.
function remember(state) {
  history.replaceState(null, "", `#/map?${new URLSearchParams(where(state))}`);
}

async function choose(state, place) {
  state.place = place;
  remember(state);
  const names = document.getElementById("basin");
  if (names && !place.basin) names.value = "";
  if (names && place.basin) names.value = place.basin;
  if (place.point)
    [document.getElementById("latitude").value, document.getElementById("longitude").value] = place.point.map((value) =>
      Number(value.toFixed(2)),
    );
  if (place.basin)
    state.world.mark({ feature: (await outline(state)).features.find((each) => each.properties.name === place.basin) });
  else state.world.mark(place);
  await showPlace(state.box, state.id, place);
}

function outline(state) {
  state.outline ??= read(["basins.geojson"]);
  return state.outline;
}

async function outlines(state, wanted) {
  state.world.setBasins(wanted ? await outline(state) : null);
}

function drawing(state, button) {
  if (button.dataset.on) {
    delete button.dataset.on;
    button.textContent = "Draw on the map";
    const corners = state.world.finish();
    if (corners.length >= 3) choose(state, { polygon: corners });
    else tell("A polygon has at least three corners", true);
    return;
  }
  button.dataset.on = "yes";
  button.textContent = "Finish";
  state.world.draw();
  tell("Click corner after corner on the map, then press Finish");
}
