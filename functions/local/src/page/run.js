// One run: how it stands, what it asks, what the model is saying, its events and its state.
import { get, post, runPath } from "/assets/api.js";
import { day, duration, fill, h, problem, reconcile, sentence, setStatus, setText, throttle, valueView } from "/assets/dom.js";
import { confirm } from "/assets/dialogs.js";
import { Feed } from "/assets/feed.js";
import { LOG_ROWS, Log } from "/assets/log.js";
import { questionForm } from "/assets/question.js";
import { StatePanel } from "/assets/state.js";
import { Telling } from "/assets/telling.js";

const REFRESH_MS = 500;
const RETRY_MS = 2_000;
const OVER = ["completed", "failed", "cancelled"];
const MARKS = { connecting: "connecting …", live: "● live", reconnecting: "○ reconnecting …", over: "log complete" };

export class RunView {
  constructor(root, id) {
    this.id = id;
    this.at = fill(root, "run");
    this.telling = new Telling(this.at);
    this.state = new StatePanel(this.at, id);
    this.log = new Log(this.at, id, (seq) => this.state.show(seq));
    this.refresh = throttle(REFRESH_MS, () => this.look());
    this.clock = setInterval(() => this.showFacts(), 1_000);
    this.at.cancel.onclick = () => this.cancel();
    this.begin();
  }

  // Of a long log only the end is followed; what is before comes on request.
  async begin() {
    try {
      await this.load();
    } catch (error) {
      return this.trouble(error, () => this.begin());
    }
    if (this.isClosed) return;
    const first = Math.max(0, this.run.seq - LOG_ROWS);
    this.log.begin(first);
    this.feed = new Feed(this.id, first, {
      event: (event) => this.take(event),
      chunk: (chunk) => this.telling.chunk(chunk),
      mark: (word) => this.mark(word),
      refused: (error) => this.at.problem.replaceChildren(problem(error)),
    });
  }

  take(event) {
    this.log.add(event);
    this.telling.event(event);
    this.state.reached(event.seq);
    this.refresh();
  }

  mark(word) {
    this.at.mark.className = `mark ${word}`;
    setText(this.at.mark, MARKS[word]);
    if (word === "over") this.telling.clear();
  }

  async load() {
    this.run = await get(runPath(this.id));
    if (this.isClosed) return;
    this.at.problem.replaceChildren();
    this.at.columns.hidden = false;
    this.state.reached(this.run.seq);
    this.show();
  }

  async look() {
    try {
      await this.load();
    } catch (error) {
      this.trouble(error, this.refresh);
    }
  }

  // A server that is away comes back, a run that is not there does not.
  trouble(error, again) {
    if (this.isClosed) return;
    this.at.problem.replaceChildren(problem(error));
    if (error.status === 0 || error.status >= 500) this.retry = setTimeout(again, RETRY_MS);
  }

  show() {
    const { run, at } = this;
    document.title = `${run.status}: ${run.name} · Agent Lattice`;
    setText(at.name, run.name);
    setStatus(at.status, run.status);
    at.cancel.hidden = this.isOver();
    this.showFacts();
    this.showResult();
    reconcile(at.questions, run.questions, (asked) => asked.stage, (asked) => questionForm(asked, this.refresh));
  }

  isOver() {
    return OVER.includes(this.run.status);
  }

  showFacts() {
    const { run } = this;
    if (!run) return;
    const until = run.endedAt ? Date.parse(run.endedAt) : Date.now();
    const { inputTokens, outputTokens } = run.totals.usage;
    const facts = [
      ["Run", run.runId], ["Workflow", run.workflow], ["Started", day(run.startedAt)],
      ["Duration", duration(until - Date.parse(run.startedAt))],
      ["Stages", String(run.totals.stages)], ["Tokens", `${inputTokens} in, ${outputTokens} out`],
    ];
    reconcile(this.at.facts, facts, ([name]) => name,
      ([name]) => h("div", {}, h("dt", {}, name), h("dd", {})),
      (element, [, value]) => setText(element.lastElementChild, value));
  }

  showResult() {
    const { run, at } = this;
    if (!this.isOver() || !at.result.hidden) return;
    at.result.hidden = false;
    at.result.classList.add(run.status);
    if (run.status === "completed") return at.result.append(h("h2", {}, "Result"), valueView(run.output ?? null));
    if (run.status === "cancelled") return at.result.append(h("h2", {}, "Cancelled"), h("p", {}, "Somebody asked for the end of this run."));
    at.result.append(h("h2", {}, `Failed${run.node ? ` at ${run.node}` : ""}`),
      h("p", {}, h("strong", {}, run.failure?.kind.replaceAll("_", " ") ?? "unknown"), ` – ${sentence(run.failure?.message ?? "no reason was stored")}`));
  }

  async cancel() {
    const submit = () => post(`${runPath(this.id)}/cancel`, { reason: "asked for on the page" });
    await confirm("Cancel the run?", "What it has done stays in its log; it cannot be taken up again.", "Cancel the run", submit);
    this.refresh();
  }

  close() {
    this.isClosed = true;
    clearInterval(this.clock);
    clearTimeout(this.retry);
    this.refresh.stop();
    this.feed?.close();
    this.log.close();
    this.state.close();
  }
}
