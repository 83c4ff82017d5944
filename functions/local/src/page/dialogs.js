// The dialogs: start a run, add an example, confirm. One element serves all; it keeps the focus
// inside and gives it back, as the browser does for every modal dialog.
import { Refusal, ask, examples, get, post, workflowPath } from "/assets/api.js";
import { h, parts, problem, sentence } from "/assets/dom.js";

// Opens the dialog. `submit` may throw a refusal, which is shown in place; else the dialog closes.
// Resolves to what `submit` gave, or to undefined if the person closed it.
function open({ title, body, yes, submit }) {
  const dialog = document.getElementById("dialog");
  const at = parts(dialog);
  at.title.textContent = title;
  at.body.replaceChildren(...body);
  at.problem.replaceChildren();
  at.yes.hidden = !yes;
  at.yes.disabled = false;
  at.yes.textContent = yes ?? "";
  return new Promise((resolve) => {
    let answer, isOpen = true, isBusy = false;
    // An answer that comes after the dialog was closed must not touch the next one.
    const finish = async (...given) => {
      if (isBusy) return;
      at.yes.disabled = isBusy = true;
      try {
        answer = await submit(...given);
        if (isOpen) dialog.close();
      } catch (error) {
        if (isOpen) at.problem.replaceChildren(problem(error));
      }
      isBusy = false;
      if (isOpen) at.yes.disabled = false;
    };
    dialog.pick = finish;
    at.form.onsubmit = (event) => { event.preventDefault(); if (yes) finish(); };
    at.close.onclick = () => dialog.close();
    dialog.onclose = () => { isOpen = false; resolve(answer); };
    dialog.showModal();
  });
}

export function confirm(title, text, yes, submit = async () => true) {
  return open({ title, yes, submit, body: [h("p", {}, text)] });
}

export async function startRun(workflow) {
  // One key for the whole dialog: however often it is sent, one run starts.
  const idempotencyKey = crypto.randomUUID();
  const example = (await examples().catch(() => [])).find((one) => one.document.id === workflow.id);
  const input = h("textarea", { id: "input", rows: 12, spellcheck: false, value: JSON.stringify(example?.input ?? {}, null, 2) });
  const submit = () => post("/v1/runs", { workflowId: workflow.id, input: json(input.value), idempotencyKey });
  const label = h("label", { htmlFor: "input" }, "Input, as JSON");
  const started = await open({ title: `Start “${workflow.name}”`, yes: "Start", submit, body: [label, input] });
  if (started) location.hash = `#/runs/${started.runId}`;
}

function json(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refusal({ detail: `the input is not JSON: ${error.message}`, help: "write one JSON value, such as {}" }, 0);
  }
}

// Resolves to what was stored, or to undefined.
export async function addExample() {
  const offered = await examples();
  const row = (example) => h("li", {},
    h("div", { className: "grow" }, h("strong", {}, example.document.name),
      h("p", { className: "faint" }, example.document.description)),
    h("button", {
      type: "button", "aria-label": `Add ${example.document.name}`,
      onclick: () => document.getElementById("dialog").pick(example),
    }, "Add"));
  const submit = async ({ document: body }) => {
    try {
      return (await ask("PUT", workflowPath(body.id), { body, headers: { "if-none-match": "*" } })).data;
    } catch (error) {
      // It is there already, which is as good.
      if (error.status !== 412) throw error;
      return get(workflowPath(body.id));
    }
  };
  return open({ title: "Add an example", submit, body: [h("ul", { className: "rows" }, ...offered.map(row))] });
}

// As the server has it: `DOCUMENT_BYTES_MAX`.
const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;

// The text of a workflow file. One that is too large is not even read: a browser cannot always
// tell a server that refuses it from one that is away.
export async function readFile(file) {
  if (file.size <= DOCUMENT_BYTES_MAX) return file.text();
  const size = `${(Math.ceil((file.size / 1024 / 1024) * 10) / 10).toFixed(1)} MB`;
  throw new Refusal({ detail: `\`${file.name}\` has ${size}, and a workflow document may have 4 MB at most`, help: "look whether it is the right file; data that a workflow needs goes into the input of a run" }, 0);
}

// Stores a workflow file. What is stored under the same id is replaced only if the person says so.
export async function storeFile(text) {
  const path = workflowPath(idOf(text));
  try {
    return (await ask("PUT", path, { text, headers: { "if-none-match": "*" } })).data;
  } catch (error) {
    if (error.status !== 412) throw error;
  }
  const { data, etag } = await ask("GET", path);
  const question = `There is a workflow “${data.workflow.name}” (${data.workflow.id}) already. Its older versions stay readable.`;
  return confirm("Replace it?", question, "Replace",
    async () => (await ask("PUT", path, { text, headers: { "if-match": etag } })).data);
}

// The id in the document. Older documents may have one that is not legal or none at all; the
// server makes it legal in this way, and says so where it cannot read the file.
function idOf(text) {
  let id;
  try { id = String(JSON.parse(text).id ?? ""); } catch { id = ""; }
  const legal = id.trim().replace(/[^A-Za-z0-9._-]/gu, "-");
  return /[A-Za-z0-9]/.test(legal) ? legal : "workflow";
}

// What is worth saying about a stored document: warnings, and that an older one was upgraded.
export function savedView({ workflow, problems = [], changes = [] }) {
  const upgraded = changes.length > 0 ? ` It was an older document: ${changes.length} things were upgraded.` : "";
  return h("div", { className: problems.length > 0 ? "problem mild" : "problem saved" },
    h("p", {}, sentence(`“${workflow.name}” is stored`) + upgraded),
    problems.length > 0 && h("ul", {}, ...problems.map((one) => h("li", {}, `${one.code}: ${sentence(one.text)} ${one.help ?? ""}`))));
}
