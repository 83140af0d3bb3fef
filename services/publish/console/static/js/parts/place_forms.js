// The doors to a place: latitude and longitude, a name, corners as text.

import { h } from "../elements.js";

/** Corners from a text such as "-70 -10, -50 -10, -50 5": longitude before latitude. */
function cornersOf(text) {
  const numbers = (text.match(/[-−]?\d+(\.\d+)?/g) ?? []).map((each) => Number(each.replace("−", "-")));
  if (numbers.length < 6 || numbers.length % 2)
    throw new Error("Give at least three corners, each as longitude and latitude.");
  const corners = [];
  for (let index = 0; index < numbers.length; index += 2) corners.push([numbers[index], numbers[index + 1]]);
  if (corners.some(([x, y]) => Math.abs(x) > 360 || Math.abs(y) > 90))
    throw new Error("Latitudes reach from −90 to 90; longitudes may go on beyond 180 across the date line.");
  return corners;
}

/** The doors to a place that need no pointer: latitude and longitude, a basin, corners as text, and drawing. */
export function placeForms(basins, choose, drawing) {
  const point = h(
    "form",
    {
      class: "row",
      onsubmit: (event) => {
        event.preventDefault();
        const { latitude, longitude } = event.currentTarget.elements;
        choose({ point: [Number(latitude.value), Number(longitude.value)] });
      },
    },
    coordinate("latitude", "Latitude", 90),
    coordinate("longitude", "Longitude", 180),
    h("button", {}, "Show the point"),
  );
  const names = [["", "choose …"], ...basins.map((each) => [each.name, each.title])];
  const basin = basins.length
    ? h(
        "div",
        { class: "row" },
        choice("basin", "River basin", "", names, (name) => name && choose({ basin: name })),
      )
    : null;
  const message = h("span", { class: "soft", role: "status" });
  const polygon = h(
    "form",
    {
      class: "row polygon",
      onsubmit: (event) => {
        event.preventDefault();
        try {
          choose({ polygon: cornersOf(event.currentTarget.elements.corners.value) });
          message.textContent = "";
        } catch (error) {
          message.textContent = error.message;
        }
      },
    },
    h(
      "label",
      {},
      "Corners: longitude latitude, …",
      h("input", {
        name: "corners",
        id: "corners",
        type: "text",
        placeholder: "-70 -10, -50 -10, -50 5",
        autocomplete: "off",
      }),
    ),
    h("button", {}, "Show the area"),
    drawing,
    message,
  );
  return h("div", { class: "place-forms" }, point, basin, polygon);
}

function coordinate(name, title, limit) {
  return h(
    "label",
    {},
    `${title} `,
    h("input", { type: "number", name, id: name, min: -limit, max: limit, step: "any", required: true }),
  );
}

/** A list to choose from: pairs of value and title; `chosen` is told the value. */
export function choice(name, title, value, pairs, chosen) {
  const options = pairs.map(([each, words]) => h("option", { value: each }, words));
  return h(
    "label",
    {},
    `${title} `,
    h("select", { id: name, name, value, onchange: (event) => chosen(event.currentTarget.value) }, options),
  );
}
