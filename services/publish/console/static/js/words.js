// How moments, months, numbers and states are said.

const SECOND = 1000,
  MINUTE = 60 * SECOND,
  HOUR = 60 * MINUTE,
  DAY = 24 * HOUR;
const NAMES = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

export const STATES = {
  released: { word: "released", letter: "" },
  fallback: { word: "released with VDK2", letter: "2" },
  "in-process": { word: "in process", letter: "~" },
  waiting: { word: "waiting", letter: "w" },
  held: { word: "held", letter: "H" },
  parked: { word: "parked", letter: "P" },
  quarantined: { word: "quarantined", letter: "Q" },
  dropped: { word: "dropped", letter: "×" },
  missing: { word: "no solution", letter: "·" },
};

/** Name of the look of a month: its state, and whether it fell back to the stronger filter. */
export function look(month) {
  if (month.state === "released" && month.fallback) return "fallback";
  return month.state in STATES ? month.state : "missing";
}

/** What a month's cell says to those who cannot see it, and below the grid. */
export function monthSentence(month, threshold) {
  const parts = [`${monthName(month.month)}: ${STATES[look(month)].word}`];
  if (month.reason && month.state !== "released") parts.push(month.reason);
  if (month.release && ["released", "held"].includes(month.state)) parts.push(`in ${month.release}`);
  if (isNumber(month.noise_mm)) {
    const against = isNumber(threshold) ? `, threshold ${number(threshold)}` : "";
    parts.push(`noise ${number(month.noise_mm)} mm${against}`);
  }
  return parts.join("; ");
}

export function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/** A number with so many decimals, and a true minus. */
export function number(value, decimals = 1) {
  return isNumber(value) ? value.toFixed(decimals).replace("-", "−") : "–";
}

/** "2015-02" as "February 2015". */
export function monthName(month) {
  const [year, index] = String(month).split("-").map(Number);
  return NAMES[index - 1] ? `${NAMES[index - 1]} ${year}` : String(month);
}

export function monthIndex(month) {
  const [year, index] = month.split("-").map(Number);
  return year * 12 + index - 1;
}

export function monthOf(index) {
  return `${Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, "0")}`;
}

/** The middle of a month in seconds of UTC, where a chart puts it. */
export function middle(month) {
  const index = monthIndex(month);
  return Date.UTC(Math.floor(index / 12), index % 12, 16) / SECOND;
}

/** The two greatest units of a time that has passed, such as "3 d 4 h". */
export function span(milliseconds) {
  const left = Math.max(0, milliseconds);
  if (left < MINUTE) return `${Math.round(left / SECOND)} s`;
  const two = (big, small, names) => {
    const whole = Math.floor(left / big);
    const rest = Math.floor((left - whole * big) / small);
    return `${whole} ${names[0]}` + (rest ? ` ${rest} ${names[1]}` : "");
  };
  if (left < HOUR) return `${Math.floor(left / MINUTE)} min`;
  if (left < DAY) return two(HOUR, MINUTE, ["h", "min"]);
  return two(DAY, HOUR, ["d", "h"]);
}

/** How long ago a moment was, by the server's clock. */
export function age(time, now) {
  if (!time) return "never";
  return `${span(moment(now ?? new Date().toISOString()) - moment(time))} ago`;
}

/** Milliseconds of an ISO time; one without a zone is UTC. */
export function moment(time) {
  const text = String(time);
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
}

/** A moment as "2026-11-21 15:28 UTC". */
export function clock(time) {
  if (!time) return "–";
  const when = new Date(moment(time));
  return Number.isNaN(when.valueOf()) ? String(time) : `${when.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** A size of a file in the unit that suits it. */
export function size(bytes) {
  if (!isNumber(bytes)) return "–";
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1000,
    unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** "1 month", "3 months". */
export function count(many, one, plural = `${one}s`) {
  return `${many} ${many === 1 ? one : plural}`;
}

/** A place as "52.25° N, 13.25° E". */
export function place(latitude, longitude) {
  const say = (value, plus, minus) => `${Math.abs(value).toFixed(2)}° ${value < 0 ? minus : plus}`;
  return `${say(latitude, "N", "S")}, ${say(longitude, "E", "W")}`;
}
