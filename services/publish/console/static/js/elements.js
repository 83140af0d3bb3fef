// Elements made from data, and a page brought up to date without being built anew.
//
// Data only ever become text and attributes, never markup.

const PROPERTIES = new Set(["value", "checked", "disabled", "htmlFor", "className", "hidden"]);

/** An element with its attributes and children; null and false among the children are left out. */
export function h(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  const { value, ...others } = attributes;
  for (const [key, each] of Object.entries(others)) assign(node, key, each);
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  assign(node, "value", value); // of a list only when its choices are there
  return node;
}

function assign(node, key, value) {
  if (value === null || value === undefined) return;
  if (key.startsWith("on") || PROPERTIES.has(key)) node[key] = value;
  else if (key === "class") node.className = value;
  else if (value === true) node.setAttribute(key, "");
  else if (value !== false) node.setAttribute(key, value);
}

const HANDLERS = ["onclick", "onsubmit", "onchange", "oninput", "onkeydown", "onfocus", "onpointerover", "ontoggle"];
// What a person or the console's own code has set since the element was drawn.
const OWN = { DETAILS: ["open"] };

/** Make `old` say what `fresh` says; focus, scrolling and what was typed stay. Elements `data-alive` keep themselves. */
export function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || keyOf(old) !== keyOf(fresh)) {
    old.replaceWith(fresh);
  } else if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
  } else if (old.nodeType === Node.ELEMENT_NODE && !old.hasAttribute("data-alive")) {
    morphAttributes(old, fresh);
    for (const handler of HANDLERS) old[handler] = fresh[handler];
    morphChildren(old, fresh);
  }
}

function morphAttributes(old, fresh) {
  const kept = OWN[old.nodeName] ?? [];
  const roving = old.hasAttribute("data-roving");
  for (const { name, value } of [...fresh.attributes]) {
    if (kept.includes(name) || (roving && name === "tabindex")) continue;
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !kept.includes(name)) old.removeAttribute(name);
  }
  for (const name of ["disabled", "hidden"]) if (name in fresh && old[name] !== fresh[name]) old[name] = fresh[name];
}

function morphChildren(old, fresh) {
  const keyed = new Map([...old.childNodes].filter(keyOf).map((node) => [keyOf(node), node]));
  let place = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const key = keyOf(child);
    const match = key ? keyed.get(key) : place && !keyOf(place) ? place : null;
    if (!match) {
      old.insertBefore(child, place);
      continue;
    }
    if (match === place) place = place.nextSibling;
    else old.insertBefore(match, place);
    morph(match, child);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null;
}

/** Put one child in the place of all others. */
export function fill(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
}

/** Say a sentence to those who listen to the page; and, if it is meant to be `visible`, show it for a while. */
export function tell(sentence, visible = false) {
  const told = document.getElementById("told");
  told.textContent = "";
  told.className = visible ? "toast" : "unseen";
  setTimeout(() => {
    told.textContent = sentence;
  }, 60);
  if (visible) {
    setTimeout(() => {
      if (told.textContent === sentence) told.className = "unseen";
    }, 8000);
  }
}

/** A script of ours that sets a global name, loaded when it is first needed. */
const loading = new Map();
export function script(address, name) {
  if (!loading.has(address)) {
    const arrived = new Promise((resolve, reject) => {
      const node = h("script", { src: address, onload: () => resolve(window[name]), onerror: reject });
      document.head.append(node);
    });
    arrived.catch(() => loading.delete(address));
    loading.set(address, arrived);
  }
  return loading.get(address);
}

/** A style sheet of ours, loaded when it is first needed. */
export function styles(address) {
  if (!document.querySelector(`link[href="${address}"]`)) {
    const first = document.querySelector('link[rel="stylesheet"]');
    first.before(h("link", { rel: "stylesheet", href: address }));
  }
}

/** The value of a colour of colours.css as it is now. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
