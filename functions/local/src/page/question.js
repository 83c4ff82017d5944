// A question of a run, and its answer. Problems are shown in place.
import { post, runPath } from "/assets/api.js";
import { confirm } from "/assets/dialogs.js";
import { day, h, problem, sentence } from "/assets/dom.js";

const ANSWERS = { one, many, text };

export function questionForm(asked, answered) {
  const { question } = asked;
  const said = h("div", { "aria-live": "polite" });
  const fields = h("fieldset", {}, h("legend", {}, question.text));
  const form = h("form", { className: "card question" }, h("h2", {}, `${asked.node} asks`), fields,
    asked.dueAt && h("p", { className: "faint" }, `It can be answered until ${day(asked.dueAt)}.`), said);
  const send = sender(asked, fields, said, answered);
  fields.append(...ANSWERS[question.choice](question, form, send));
  return form;
}

function sender(asked, fields, said, answered) {
  // The same answer sent twice counts once; another answer is another request.
  const keys = new Map();
  return async (value) => {
    const named = JSON.stringify(value);
    if (!keys.has(named)) keys.set(named, crypto.randomUUID());
    fields.disabled = true;
    said.replaceChildren(h("p", { className: "faint" }, "Sending …"));
    try {
      await post(`${runPath(asked.runId)}/signal`, { node: asked.node, wait: asked.stage, value, idempotencyKey: keys.get(named) });
      said.replaceChildren(h("p", {}, "The answer is stored; the run goes on."));
    } catch (error) {
      fields.disabled = false;
      said.replaceChildren(problem(error));
    }
    answered();
  };
}

// Options are answered by their label, which is what the person saw.
function one(question, form, send) {
  form.onsubmit = (event) => event.preventDefault();
  return question.options.map((option) => h("button", { type: "button", className: "option", onclick: () => send(option.label) },
    h("strong", {}, option.label), option.description && h("span", { className: "faint" }, option.description)));
}

function many(question, form, send) {
  const boxes = question.options.map((option) => h("input", { type: "checkbox", value: option.label }));
  submit(form, async () => {
    const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
    // To choose none is an answer, but more often a click too early.
    if (chosen.length > 0 || await confirm("Choose none of them?", "No option is ticked. The run goes on with an empty choice.", "Choose none")) send(chosen);
  });
  const labels = question.options.map((option, place) => h("label", { className: "option" }, boxes[place],
    h("strong", {}, option.label), option.description && h("span", { className: "faint" }, option.description)));
  return [...labels, h("button", { className: "main" }, "Send the answer")];
}

function text(question, form, send) {
  const box = h("textarea", { rows: 4, "aria-label": sentence(question.text) });
  submit(form, () => send(box.value));
  return [box, h("button", { className: "main" }, "Send the answer")];
}

function submit(form, send) {
  form.onsubmit = (event) => { event.preventDefault(); send(); };
}
