// What a person decides or asks for. Every act says who and why, and is told in the log.

import { read, Refused } from "../api.js";
import { h } from "../elements.js";
import { baselines, files, heldReleases, parked } from "../parts/decisions.js";
import { reprocessing } from "../parts/reprocessing.js";
import { ago, card, empty, table } from "../parts/tables.js";
import { signIn, signOut, token } from "../session.js";

const ACTS = 20; // of the log that are shown

export const act = {
  fresh: true,
  title: () => "Act",

  async load(route, signal) {
    if (!token()) return { me: null };
    try {
      const [me, decisions, log] = await Promise.all([
        read(["me"], {}, signal),
        read(["decisions"], {}, signal),
        read(["log"], { limit: ACTS, acts: true }, signal),
      ]);
      return { me, decisions, log: log.events };
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 401) throw error;
      signOut();
      return { me: null, refusal: `The token was not taken: ${error.message}` };
    }
  },

  draw({ me, refusal, decisions, log }, route, again) {
    if (!me) return h("div", {}, h("div", { class: "head" }, h("h1", {}, "Act")), door(refusal, again));
    const scientist = me.role === "scientist";
    const all = [
      heldReleases(decisions.releases, scientist, again),
      files(decisions.files, again),
      baselines(decisions.baselines, scientist, again),
      parked(decisions.units, again),
    ].filter(Boolean);
    return h(
      "div",
      { class: "act" },
      h(
        "div",
        { class: "head" },
        h("h1", {}, "Act"),
        h(
          "p",
          { class: "me" },
          "Signed in as ",
          h("b", {}, me.name),
          `, ${me.role} `,
          h(
            "button",
            {
              type: "button",
              class: "small",
              onclick: () => {
                signOut();
                again();
              },
            },
            "Sign out",
          ),
        ),
      ),
      all.length
        ? all
        : h("p", { class: "calm" }, h("span", { "aria-hidden": "true" }, "✓ "), "Nothing waits for a decision."),
      reprocessing(route.query.get("months") ?? "", again),
      acts(log),
    );
  },
};

function door(refusal, again) {
  return h(
    "section",
    { class: "card narrow" },
    h("h2", {}, "Sign in"),
    h(
      "form",
      {
        onsubmit: (event) => {
          event.preventDefault();
          signIn(event.currentTarget.elements.token.value);
          again();
        },
      },
      h("p", { class: refusal ? "notice" : "unseen", role: "alert" }, refusal ?? ""),
      h(
        "label",
        { class: "stacked" },
        "Token",
        h("input", { type: "password", name: "token", id: "token", autocomplete: "off", required: true }),
      ),
      h("button", { class: "main" }, "Sign in"),
    ),
    h(
      "p",
      { class: "soft" },
      "It is kept in this tab only and is gone when you close it. A token is made on the machine: ",
      h("code", {}, "gravstream tokens add NAME --role operator"),
      ".",
    ),
    h(
      "p",
      { class: "soft" },
      "An operator may compute again, retry or drop what is parked and decide about files; a scientist may also approve, reject and take back releases and accept baselines.",
    ),
  );
}

function acts(log) {
  if (!log.length) return card("Last acts", empty("Nobody has decided anything yet."));
  return card(
    "Last acts",
    table(
      "What people have done",
      ["When", "Who", "What"],
      log.map((event) => [ago(event.time), event.who, event.text]),
    ),
  );
}
