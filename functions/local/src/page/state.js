// The state of a run at any event: follows the end of the log until somebody moves the slider.
import { get, runPath } from "/assets/api.js";
import { clock, h, mark, problem, reconcile, setStatus, setText, throttle, valueView } from "/assets/dom.js";

const LOOK_MS = 400;
const PHASES = { ready: "ready", claimed: "at work", backoff: "waits before it tries again", waiting: "waits", joining: "waits for its branches" };

export class StatePanel {
  constructor(at, run) {
    Object.assign(this, { at, path: `${runPath(run)}/state`, end: 1, follows: true });
    this.ask = throttle(LOOK_MS, () => this.look());
    at.slider.oninput = () => this.show(Number(at.slider.value));
    at.now.onclick = () => { this.show(this.end); at.slider.focus(); };
  }

  // The log reaches so far.
  reached(seq) {
    if (seq < this.end) return;
    this.end = seq;
    this.at.slider.max = seq;
    if (this.follows) this.show(seq);
    else this.label();
  }

  show(seq) {
    this.follows = seq >= this.end;
    this.seq = Math.min(seq, this.end);
    this.at.slider.value = this.seq;
    this.label();
    this.ask();
  }

  label() {
    const said = `State at event ${this.seq} of ${this.end}`;
    setText(this.at.at, said);
    this.at.slider.ariaValueText = said;
    this.at.now.hidden = this.follows;
  }

  async look() {
    const seq = this.seq;
    if (this.shown === seq) return;
    try {
      const state = await get(`${this.path}?seq=${seq}`);
      if (this.isClosed) return;
      this.shown = seq;
      this.at.stateProblem.replaceChildren();
      this.render(state);
    } catch (error) {
      if (!this.isClosed) this.at.stateProblem.replaceChildren(problem(error));
    }
  }

  render(state) {
    const { at } = this;
    const omitted = new Map((state.omitted ?? []).map((one) => [one.name, one.bytes]));
    setStatus(at.stateStatus, state.status);
    values(at.open, state.open.map((stage) => [stage.stage, phase(stage)]));
    values(at.variables, named(state.variables, "variables", omitted));
    values(at.outputs, named(state.outputs, "outputs", omitted));
    values(at.input, [["", omitted.has("input") ? large(omitted.get("input")) : state.input]]);
  }

  close() {
    this.isClosed = true;
    this.ask.stop();
  }
}

const large = (bytes) => `(${Math.ceil(bytes / 1024)} KB, too large to be shown here)`;

function named(values, group, omitted) {
  const shown = (name, value) => (omitted.has(`${group}.${name}`) ? large(omitted.get(`${group}.${name}`)) : value);
  return Object.entries(values).map(([name, value]) => [name, shown(name, value)]);
}

function phase({ phase, attempt, dueAt }) {
  const tried = attempt ? `, attempt ${attempt}` : "";
  return `${PHASES[phase] ?? phase}${tried}${dueAt ? `, until ${clock(dueAt)}` : ""}`;
}

// A value that has not changed keeps its element, its selection and its place in scrolling.
function values(list, entries) {
  const key = ([name, value]) => `${name} ${mark(JSON.stringify(value))}`;
  reconcile(list, entries, key, ([name, value]) => h("li", {}, name && h("code", {}, name), valueView(value)));
  list.classList.toggle("none", entries.length === 0);
}
