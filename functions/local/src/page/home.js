// Home: open questions, workflows, runs. Looks again every two seconds.
import { get } from "/assets/api.js";
import { day, fill, h, oneLine, problem, reconcile, sentence, setStatus, setText, shortId } from "/assets/dom.js";
import { addExample, readFile, savedView, startRun, storeFile } from "/assets/dialogs.js";

const LOOK_MS = 2_000;
const ROWS = 50;
const ROWS_MAX = 500;
// Open questions come first, but must not push everything else off the screen.
const WAITS = 5;

// A list that grows by pages at its end and is looked at anew from its beginning.
class Rows {
  constructor(path, field, keyOf) {
    Object.assign(this, { path, field, keyOf, rows: [], cursor: undefined });
  }

  async look() {
    const limit = Math.max(ROWS, Math.min(this.rows.length, ROWS_MAX));
    const page = await get(`${this.path}?limit=${limit}`);
    const fresh = page[this.field];
    const keys = new Set(fresh.map(this.keyOf));
    // What was loaded behind the end of this page stays, unless this page is the whole list.
    const joint = this.rows.findLastIndex((row) => keys.has(this.keyOf(row)));
    const rest = joint < 0 || !page.nextCursor ? [] : this.rows.slice(joint + 1);
    if (rest.length === 0) this.cursor = page.nextCursor;
    this.rows = [...fresh, ...rest];
  }

  async more() {
    const page = await get(`${this.path}?limit=${ROWS}&cursor=${encodeURIComponent(this.cursor)}`);
    const keys = new Set(this.rows.map(this.keyOf));
    this.rows.push(...page[this.field].filter((row) => !keys.has(this.keyOf(row))));
    this.cursor = page.nextCursor;
  }
}

export class Home {
  constructor(root) {
    document.title = "Agent Lattice";
    this.at = fill(root, "home");
    this.runs = new Rows("/v1/runs", "runs", (row) => row.runId);
    this.workflows = new Rows("/v1/workflows", "workflows", (row) => row.id);
    this.triggers = new Map();
    const { at } = this;
    at.example.onclick = () => this.store(addExample);
    at.open.onclick = () => at.file.click();
    at.file.onchange = () => this.openFile(at.file);
    at.moreRuns.onclick = () => this.more(this.runs, () => this.showRuns(), at.moreRunsProblem);
    at.moreWorkflows.onclick = () => this.more(this.workflows, () => this.showWorkflows(), at.moreWorkflowsProblem);
    this.look();
  }

  async look() {
    clearTimeout(this.timer);
    if (!document.hidden) await this.refresh();
    clearTimeout(this.timer);
    if (!this.isClosed) this.timer = setTimeout(() => this.look(), LOOK_MS);
  }

  // Each section stands for itself: one that cannot be read says so in its place, and keeps what it
  // showed.
  async refresh() {
    const ends = await Promise.allSettled([this.lookWaits(), this.lookWorkflows(), this.lookRuns()]);
    if (this.isClosed) return;
    const errors = ends.map((end) => end.reason);
    const [first] = errors;
    // A server that is away is one trouble, not three.
    const isCommon = errors.every((error) => error && error.message === first.message);
    notice(isCommon ? `${sentence(first.message)} ${sentence(first.body?.help ?? "")}`.trim() : "");
    const { waitsProblem, workflowsProblem, runsProblem } = this.at;
    [waitsProblem, workflowsProblem, runsProblem].forEach((place, i) => showProblem(place, isCommon ? undefined : errors[i]));
    this.showAsking();
  }

  async lookWaits() {
    this.showWaits((await get("/v1/waits")).waits);
  }

  async lookWorkflows() {
    const [, { hooks }, { schedules }] = await Promise.all([this.workflows.look(), get(`/v1/hooks?limit=${ROWS_MAX}`), get(`/v1/schedules?limit=${ROWS_MAX}`)]);
    this.triggers = Map.groupBy([...hooks, ...schedules], (row) => row.workflow);
    this.showWorkflows();
  }

  async lookRuns() {
    await this.runs.look();
    this.showRuns();
  }

  showWaits(waits) {
    this.at.moreWaits.hidden = waits.length <= WAITS;
    reconcile(this.at.waits, waits.slice(0, WAITS), (wait) => `${wait.runId} ${wait.stage}`, (wait) => h("li", {},
      h("div", { className: "grow" }, h("span", {}, oneLine(wait.question.text, 240)), h("span", { className: "faint" }, `${wait.workflow} · ${shortId(wait.runId)}`)),
      h("a", { className: "button main", href: `#/runs/${wait.runId}` }, "Answer")));
    this.showAsking();
  }

  showAsking() {
    const { asking, waits, waitsProblem } = this.at;
    asking.hidden = waits.children.length + waitsProblem.children.length === 0;
  }

  showWorkflows() {
    const { workflows, none, moreWorkflows } = this.at;
    none.hidden = this.workflows.rows.length > 0;
    moreWorkflows.hidden = !this.workflows.cursor;
    reconcile(workflows, this.workflows.rows, (row) => `${row.id} ${row.version}`, workflowRow, (element, row) => {
      reconcile(element.querySelector(".triggers"), this.triggers.get(row.id) ?? [], (one) => `${one.id} ${one.nextAt ?? ""} ${one.pausedAt ?? ""}`, triggerRow);
    });
  }

  showRuns() {
    const { runs, noRuns, moreRuns } = this.at;
    noRuns.hidden = this.runs.rows.length > 0;
    moreRuns.hidden = !this.runs.cursor;
    reconcile(runs, this.runs.rows, (row) => row.runId, runRow, (element, row) => {
      setStatus(element.querySelector(".status"), row.status);
      setText(element.querySelector("time"), day(row.startedAt));
    });
  }

  async more(rows, show, place) {
    try {
      await rows.more();
      show();
      showProblem(place);
    } catch (error) {
      showProblem(place, error);
    }
  }

  openFile(file) {
    const [chosen] = file.files;
    if (!chosen) return;
    this.store(async () => storeFile(await readFile(chosen)));
    // The same file may be chosen again after it was mended.
    file.value = "";
  }

  async store(how) {
    this.at.stored.replaceChildren();
    try {
      const saved = await how();
      if (!saved) return;
      this.at.stored.replaceChildren(savedView(saved));
      await this.look();
      [...this.at.workflows.children].find((row) => row.dataset.key.startsWith(`${saved.workflow.id} `))?.querySelector("button").focus();
    } catch (error) {
      this.at.stored.replaceChildren(problem(error));
    }
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.timer);
    notice("");
  }
}

// A problem that stays keeps its element: it is read out once, not with each look.
function showProblem(place, error) {
  reconcile(place, error ? [error] : [], (one) => one.message, problem);
}

function workflowRow(row) {
  return h("li", {},
    h("div", { className: "grow" }, h("strong", {}, row.name),
      h("span", { className: "faint", title: `version ${row.version}` }, `${row.id} · ${row.version.slice(0, 8)}`),
      h("ul", { className: "triggers faint" })),
    h("button", { type: "button", "aria-label": `Start ${row.name}`, onclick: () => startRun(row) }, "Start"));
}

// What starts the workflow beside a person: an address, or the clock.
export function triggerRow(row) {
  if (row.path) return h("li", {}, `${row.methods.join(", ")} `, h("code", {}, `${location.origin}${row.path}`), ` (${row.authentication}, secret ${row.secret})`);
  return h("li", {}, h("code", {}, row.expression), ` ${row.timezone}, ${row.pausedAt ? `paused since ${day(row.pausedAt)}` : row.nextAt ? `next ${day(row.nextAt)}` : "never again"}`);
}

function runRow(row) {
  return h("li", {}, h("a", { className: "run", href: `#/runs/${row.runId}` },
    h("span", { className: "status" }), h("span", { className: "grow" }, row.name),
    h("code", { className: "faint", title: row.runId }, shortId(row.runId)),
    h("time", { className: "faint", dateTime: row.startedAt })));
}

export function notice(text) {
  const element = document.getElementById("notice");
  element.hidden = text === "";
  setText(element, text);
}
