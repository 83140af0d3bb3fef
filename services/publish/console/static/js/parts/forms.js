// Forms that act: a reason, one or two buttons, and what came of it.

import { Refused, send, Silent } from "../api.js";
import { fill, h, tell } from "../elements.js";

/** A form about one thing with a reason and its buttons; a button: { text, pieces, done, main, disabled }. */
export function decision(key, subject, buttons, again) {
  return h(
    "form",
    { class: "decision", "data-key": key, onsubmit: (event) => decide(event, buttons, again) },
    h(
      "label",
      { class: "stacked" },
      "Reason, for the log",
      h("span", { class: "unseen" }, ` of ${subject}`),
      h("input", {
        type: "text",
        name: "reason",
        required: true,
        minlength: "3",
        maxlength: "500",
        autocomplete: "off",
        disabled: buttons.every((button) => button.disabled),
      }),
    ),
    h(
      "div",
      { class: "row" },
      buttons.map((button, index) =>
        h(
          "button",
          {
            value: String(index),
            class: button.main ? "main" : "",
            disabled: Boolean(button.disabled),
            title: button.disabled ?? null,
            "aria-label": `${button.text} ${subject}`,
          },
          button.text,
        ),
      ),
    ),
    buttons.some((button) => button.disabled)
      ? h("p", { class: "soft" }, buttons.find((button) => button.disabled).disabled)
      : null,
    h("p", { class: "outcome", "data-alive": true, role: "status" }),
  );
}

async function decide(event, buttons, again) {
  event.preventDefault();
  const form = event.currentTarget,
    button = buttons[Number(event.submitter.value)];
  const done = await acting(
    form,
    () => send(button.pieces, { reason: form.elements.reason.value }),
    (answer) => answer.text ?? button.done,
  );
  if (done) again();
}

/** Do it, with the buttons of the form out of reach meanwhile, and say what came of it; whether it was done. */
export async function acting(form, what, sentence) {
  const outcome = form.querySelector(".outcome"),
    buttons = [...form.querySelectorAll("button")].filter((button) => !button.disabled);
  for (const button of buttons) button.disabled = true;
  outcome.className = "outcome";
  outcome.textContent = "Asking …";
  try {
    const text = sentence(await what());
    fill(outcome, text);
    outcome.classList.add("good");
    tell(
      outcome.firstElementChild
        ? (outcome.firstElementChild.firstElementChild?.textContent ?? outcome.textContent)
        : outcome.textContent,
      !outcome.firstElementChild,
    );
    return true;
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Silent)) throw error;
    fill(outcome, `${error.message}. `, h("span", { class: "soft" }, error.advice ?? ""));
    outcome.classList.add("bad");
    return false;
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}
