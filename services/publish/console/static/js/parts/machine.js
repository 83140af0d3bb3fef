// What works behind the record: looks upstream, queues, workers and units of work.

import { h } from "../elements.js";
import { clock, count, isNumber } from "../words.js";
import { ago, badge, card, empty, table } from "./tables.js";

/** Sources, queues, workers and work. */
export function machine(status) {
  return h(
    "div",
    { class: "side" },
    sources(status),
    queues(status),
    workers(status),
    units(status),
    reprocessings(status),
  );
}

function sources(status) {
  if (!status.sources.length) return card("Last looks upstream", empty("No source has been looked at yet."));
  return card(
    "Last looks upstream",
    table(
      "Last look at each source",
      ["Source", "When", "Outcome"],
      status.sources.map((source) => [
        source.name,
        ago(source.time, status.now),
        [source.outcome, isNumber(source.listed) ? `, ${count(source.listed, "file")}` : ""],
      ]),
    ),
  );
}

function queues(status) {
  const unknown = status.queues.some((queue) => queue.length === null);
  return card(
    "Queues",
    unknown ? h("p", { class: "notice" }, "Redis does not answer, so their lengths are not known.") : null,
    table(
      "Tasks that wait",
      ["Queue", "Tasks"],
      status.queues.map((queue) => [queue.name, queue.length === null ? "unknown" : String(queue.length)]),
    ),
  );
}

function workers(status) {
  if (!status.workers.length)
    return card(
      "Workers",
      empty("No worker has been seen. Start the services: gravstream run, up, or docker compose up."),
    );
  return card(
    "Workers",
    table(
      "Workers and when they were last seen",
      ["Worker", "Service", "Seen"],
      status.workers.map((worker) => [
        worker.host ? `${worker.name} on ${worker.host}` : worker.name,
        worker.service,
        ago(worker.time, status.now),
      ]),
    ),
  );
}

function units(status) {
  if (!status.units.length) return card("Work", empty("No work is planned yet."));
  const states = ["done", "running", "due", "waiting", "parked", "dropped"].filter((state) =>
    status.units.some((unit) => unit.state === state),
  );
  const lines = new Map();
  for (const unit of status.units) {
    const name = `${unit.product} ${unit.kind}`;
    lines.set(name, { ...lines.get(name), [unit.state]: unit.count });
  }
  return card(
    "Work",
    table(
      "Units of work by state",
      ["Unit", ...states],
      [...lines].map(([name, counts]) => [name, ...states.map((state) => String(counts[state] ?? "–"))]),
    ),
  );
}

function reprocessings(status) {
  if (!status.reprocessings?.length) return null;
  return card(
    "Reprocessing",
    h(
      "ul",
      { class: "plain" },
      status.reprocessings.map((each) =>
        h(
          "li",
          {},
          badge(each.state),
          ` ${each.reason ?? ""} `,
          h(
            "span",
            { class: "soft" },
            [each.who, each.created_at ? clock(each.created_at) : null].filter(Boolean).join(", "),
          ),
        ),
      ),
    ),
  );
}
