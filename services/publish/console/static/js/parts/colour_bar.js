// The scale of a layer: its colours from low to high, fixed, with name and unit.

import { h } from "../elements.js";
import { number } from "../words.js";

const TICKS = 5;
const WIDTH = 512; // pixels, stretched over the bar

/** Bar of a layer of the interface: title, unit, range, colours. */
export function colourBar(layer) {
  const [low, high] = layer.range;
  const sign = (value) => number(value, Number.isInteger(value) ? 0 : 1);
  const canvas = h("canvas", {
    width: WIDTH,
    height: 1,
    role: "img",
    "aria-label": `Colours of ${layer.title} from ${sign(low)} to ${sign(high)} ${layer.unit}, the same for every month and release`,
  });
  const pen = canvas.getContext("2d");
  const blend = pen.createLinearGradient(0, 0, WIDTH, 0);
  layer.colours.forEach((each, index) => blend.addColorStop(index / (layer.colours.length - 1), each));
  pen.fillStyle = blend;
  pen.fillRect(0, 0, WIDTH, 1);
  const ticks = Array.from({ length: TICKS }, (_, index) => low + ((high - low) * index) / (TICKS - 1));
  return h(
    "div",
    { class: "colour-bar" },
    canvas,
    h(
      "div",
      { class: "ticks", "aria-hidden": "true" },
      ticks.map((tick) => h("span", {}, sign(tick))),
    ),
    h(
      "p",
      { class: "soft" },
      `${layer.title} [${layer.unit}], fixed range ${sign(low)} to ${sign(high)}; beyond it the last colour`,
    ),
  );
}
