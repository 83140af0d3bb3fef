// The console's own interface: reading, acting, and what is said when it does not answer.

import { token } from "./session.js";

// Milliseconds until a question counts as unanswered; to look what is due takes longer than to read.
const PATIENCE = 30000,
  LONG_PATIENCE = 150000;

/** What the console refused, with its advice. */
export class Refused extends Error {
  constructor(status, body) {
    super(body.error ?? `the console answered ${status}`);
    this.status = status;
    this.advice = body.advice ?? "";
  }
}

/** The console did not answer at all. */
export class Silent extends Error {}

/** Address of a part of the interface; each piece of the path is escaped. */
export function address(pieces, query = {}) {
  const path = pieces.map((piece) => encodeURIComponent(piece)).join("/");
  const set = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = new URLSearchParams(set).toString();
  return `api/v1/${path}${search ? `?${search}` : ""}`;
}

async function ask(where, options = {}) {
  const headers = { ...(options.headers ?? {}) };
  if (token()) headers.Authorization = `Bearer ${token()}`;
  const limit = AbortSignal.timeout(options.method === "POST" ? LONG_PATIENCE : PATIENCE);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  let answer;
  try {
    answer = await fetch(where, { ...options, headers, signal });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Silent("The console does not answer");
  }
  if ([502, 503, 504].includes(answer.status)) {
    throw new Silent((await answer.json().catch(() => ({}))).error ?? "The console does not answer");
  }
  if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => ({})));
  return answer;
}

/** JSON of a part of the interface. */
export async function read(pieces, query, signal) {
  return (await ask(address(pieces, query), { signal })).json();
}

/** The bytes behind an address, as a Blob. */
export async function bytes(where, options) {
  return (await ask(where, options)).blob();
}

/** Send JSON, get JSON. */
export async function send(pieces, body, signal) {
  const options = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  };
  return (await ask(address(pieces), options)).json();
}

/** Send JSON, get a file. */
export async function sendForFile(pieces, body) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return (await ask(address(pieces), options)).blob();
}
