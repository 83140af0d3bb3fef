// Computing months again: first what that would mean, then with the same form that it is done.

import { send } from "../api.js";
import { h } from "../elements.js";
import { count } from "../words.js";
import { acting } from "./forms.js";
import { card, table } from "./tables.js";

const SHOWN = 40; // units of work that are listed

/** Months from a text such as "2015-02, 2016-11..2017-01". */
function monthsOf(text) {
  const found = [];
  for (const piece of text.split(/[\s,;]+/).filter(Boolean)) {
    const [, first, last] = piece.match(/^(\d{4}-\d{2})(?:\.\.(\d{4}-\d{2}))?$/) ?? [];
    if (!first) throw new RangeError(`${piece} is no month: write 2015-02, or 2016-11..2017-01`);
    for (let index = ordinal(first); index <= ordinal(last ?? first); index += 1)
      found.push(`${Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, "0")}`);
  }
  return found;
}

function ordinal(month) {
  const [year, index] = month.split("-").map(Number);
  return year * 12 + index - 1;
}

/** The form. */
export function reprocessing(months, again) {
  return card(
    "Compute again",
    h(
      "form",
      { class: "reprocess", "data-key": `reprocess ${months}`, onsubmit: (event) => run(event, again) },
      h(
        "label",
        { class: "stacked" },
        "Months, such as 2015-02, 2016-11..2017-01; none for all",
        h("input", { type: "text", name: "months", id: "months", value: months, autocomplete: "off" }),
      ),
      h(
        "label",
        { class: "stacked" },
        "From step; none for the beginning",
        h("input", { type: "text", name: "step", id: "step", autocomplete: "off" }),
      ),
      h(
        "label",
        { class: "stacked" },
        "Reason, for the log",
        h("input", { type: "text", name: "reason", id: "reason", required: true, minlength: "3", autocomplete: "off" }),
      ),
      h(
        "div",
        { class: "row" },
        h("button", { value: "dry", class: "main" }, "Dry run: what would be computed?"),
        h("button", { value: "do" }, "Compute again"),
      ),
      h("div", { class: "outcome", "data-alive": true, role: "status" }),
    ),
  );
}

async function run(event, again) {
  event.preventDefault();
  const form = event.currentTarget,
    dry = event.submitter.value === "dry";
  let months;
  try {
    months = monthsOf(form.elements.months.value);
  } catch (error) {
    form.elements.months.setCustomValidity(error.message);
    form.elements.months.reportValidity();
    form.elements.months.oninput = () => form.elements.months.setCustomValidity("");
    return;
  }
  const body = {
    months,
    from_step: form.elements.step.value.trim() || null,
    reason: form.elements.reason.value,
    dry_run: dry,
  };
  const done = await acting(
    form,
    () => send(["reprocess"], body),
    (answer) => outcome(answer, dry),
  );
  if (done && !dry) again();
}

function outcome(answer, dry) {
  const units = answer.units ?? [];
  const what = dry
    ? `A dry run: ${count(units.length, "unit")} of work would be computed again; nothing was changed.`
    : `Recorded as reprocessing ${answer.reprocessing}. ${count(units.length, "unit")} of work will be computed again.`;
  if (!units.length) return h("p", {}, dry ? "A dry run: nothing would be computed again." : what);
  return h(
    "div",
    {},
    h("p", {}, what),
    table(
      "Units of work to be computed again",
      ["Product", "Kind", "Month", "Why"],
      units.slice(0, SHOWN).map((unit) => [unit.product, unit.kind, unit.month ?? "–", unit.why ?? unit.reason ?? ""]),
    ),
    units.length > SHOWN ? h("p", { class: "soft" }, `and ${units.length - SHOWN} more`) : null,
  );
}
