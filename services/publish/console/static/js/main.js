// The page as a whole: which part is shown, that it stays fresh, and what is said when the console is silent.

import { Refused, Silent } from "./api.js";
import { fill, h, morph, tell } from "./elements.js";
import { clock } from "./words.js";

// A page: title(route), load(route, signal) → data, draw(data, route) → element, drawn?(element, data, route),
// leave?(), fresh: whether it is read again while it is shown.
const FRESH_EVERY = 15000; // milliseconds
const RETRIES = [2000, 4000, 8000, 15000];
const NOT_AT_ONCE = 150; // milliseconds until "loading" is worth saying

const main = document.getElementById("main");
const banner = document.getElementById("banner");
const pulse = document.getElementById("pulse");

let shown = null; // { page, route, element, abort }
let timer = null;
let failures = 0;
let lastAnswer = null;

/** What the address asks for: page, name behind it, and the questions. */
function routeNow() {
  const [path, search] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").map(decodeURIComponent);
  return { name: name || "overview", rest, query: new URLSearchParams(search ?? "") };
}

/** The page of a route; its script is loaded when it is first wanted. */
async function pageOf(route) {
  try {
    return await imported(route);
  } catch (error) {
    throw error instanceof TypeError && error.message.includes("module")
      ? new Silent("The console does not answer")
      : error;
  }
}

async function imported({ name, rest }) {
  if (name === "months" && rest[0]) return (await import("./pages/month.js")).month;
  if (name === "releases" && rest[0]) return (await import("./pages/release.js")).release;
  if (name === "map") return (await import("./pages/map.js")).map;
  if (name === "releases") return (await import("./pages/releases.js")).releases;
  if (name === "act") return (await import("./pages/act.js")).act;
  return (await import("./pages/overview.js")).overview;
}

async function go(first) {
  leave();
  const route = routeNow();
  const current = { page: null, route, element: null, abort: new AbortController() };
  shown = current;
  mark(route.name === "months" ? "overview" : route.name);
  const waiting = setTimeout(() => fill(main, h("p", { class: "loading" }, "Loading …")), first ? 0 : NOT_AT_ONCE);
  await look(current);
  clearTimeout(waiting);
  if (shown === current && current.element && !first) focusHeading();
}

function leave() {
  clearTimeout(timer);
  shown?.abort.abort();
  shown?.page?.leave?.();
}

function focusHeading() {
  window.scrollTo(0, 0);
  const heading = main.querySelector("h1");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({ preventScroll: true });
}

/** Read what the page is about and show it; what is there already is only brought up to date. */
async function look(current) {
  clearTimeout(timer);
  try {
    current.page ??= await pageOf(current.route);
    if (shown !== current) return;
    document.title = `${current.page.title(current.route)} · gravstream`;
    const data = await current.page.load(current.route, current.abort.signal);
    if (shown !== current) return;
    answered();
    put(current, data);
    if (current.page.fresh) timer = setTimeout(() => look(current), FRESH_EVERY);
  } catch (error) {
    if (shown !== current || error.name === "AbortError") return;
    failed(current, error);
  }
}

function put(current, data) {
  const element = current.page.draw(data, current.route, () => look(current));
  if (current.element) morph(current.element, element);
  else {
    current.element = element;
    fill(main, element);
  }
  current.page.drawn?.(current.element, data, current.route);
}

function answered() {
  if (failures) tell("The console answers again");
  failures = 0;
  lastAnswer = new Date();
  banner.hidden = true;
  pulse.textContent = `as of ${lastAnswer.toISOString().slice(11, 19)} UTC`;
}

function failed(current, error) {
  if (error instanceof Silent) {
    const pause = RETRIES[Math.min(failures, RETRIES.length - 1)];
    failures += 1;
    silent(current, error, pause);
    timer = setTimeout(() => look(current), pause);
  } else if (error instanceof Refused) {
    answered();
    refused(current, error);
  } else {
    fill(
      main,
      problem(
        "This page has a fault",
        `${error.name}: ${error.message}`,
        "Load it again; if it stays, tell the operator.",
      ),
    );
    throw error;
  }
}

function silent(current, error, pause) {
  const known = lastAnswer ? ` Shown is what was known at ${clock(lastAnswer.toISOString())}.` : "";
  const again = h("button", { type: "button", class: "small", onclick: () => look(current) }, "Try now");
  const sentence = h("span", {}, `${error.message}.${known} It is asked again in ${pause / 1000} s.`);
  if (banner.hidden || banner.firstChild?.textContent !== sentence.textContent) fill(banner, sentence, again);
  banner.hidden = false;
  if (!current.element) {
    fill(
      main,
      problem(
        "Nothing to show yet",
        `${error.message}.`,
        "Is `gravstream serve` running, and does it reach its catalogue?",
      ),
    );
  }
}

function refused(current, error) {
  if (error.status === 401 || error.status === 403) {
    const door = h("p", {}, h("a", { href: "#/act" }, "Sign in"), " with your token to see it.");
    fill(main, problem("This console wants to know who reads", error.message, error.advice, door));
  } else if (error.status === 404) {
    const back = h("p", {}, h("a", { href: "#/overview" }, "Back to the overview"));
    fill(main, problem("There is no such thing", error.message, error.advice, back));
  } else {
    fill(main, problem("That did not work", error.message, error.advice));
  }
  current.element = null;
}

function problem(title, what, advice, more) {
  return h(
    "div",
    { class: "card problem" },
    h("h1", {}, title),
    h("p", {}, what),
    advice ? h("p", {}, advice) : null,
    more,
  );
}

function mark(name) {
  for (const link of document.querySelectorAll("nav.pages a")) {
    if (link.dataset.page === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
  main.scrollIntoView();
});
window.addEventListener("hashchange", () => go(false));
document.addEventListener("visibilitychange", () => {
  // A hidden page asks for nothing; it is brought up to date when it is looked at again.
  if (document.hidden) clearTimeout(timer);
  else if (shown?.page?.fresh) look(shown);
});
go(true);
