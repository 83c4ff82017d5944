// The list of events. It shows the end of the log; earlier pages come on request.
import { get, runPath } from "/assets/api.js";
import { clock, h, problem, setText } from "/assets/dom.js";
import { say, tone } from "/assets/words.js";

// A browser stays quick with so many rows, however long the log is.
export const LOG_ROWS = 500;
// Rows are put in together: one by one a replay of thousands would lay the page out each time.
const GATHER_MS = 40;
const NEAR_END_PX = 60;

export class Log {
  constructor(at, run, pick) {
    Object.assign(this, { at, pick, path: `${runPath(run)}/events`, waiting: [], rowsMax: LOG_ROWS, first: 1, last: 0 });
    at.earlier.onclick = () => this.earlier();
  }

  begin(lastSeq) {
    this.first = lastSeq + 1;
    this.last = lastSeq;
  }

  add(event) {
    this.waiting.push(event);
    this.timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  flush() {
    this.timer = undefined;
    const { scroll, events } = this.at;
    const isAtEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END_PX;
    const fresh = this.waiting.splice(0);
    this.last = fresh.at(-1).seq;
    events.append(...fresh.slice(-this.rowsMax).map((event) => this.row(event)));
    const surplus = events.children.length - this.rowsMax;
    for (let i = 0; i < surplus; i += 1) events.firstElementChild.remove();
    this.first = this.last - events.children.length + 1;
    this.label();
    if (isAtEnd) scroll.scrollTop = scroll.scrollHeight;
  }

  label() {
    this.at.earlier.hidden = this.first <= 1;
    setText(this.at.shown, `${this.first} to ${this.last}`);
  }

  async earlier() {
    const { earlier, events, scroll } = this.at;
    earlier.disabled = true;
    try {
      const known = this.first;
      const older = await this.page(Math.max(0, known - 1 - LOG_ROWS), known);
      // New events may have pushed rows out in the meantime; then the pages would not join.
      if (known !== this.first) return;
      this.rowsMax += older.length;
      this.first -= older.length;
      const below = scroll.scrollHeight - scroll.scrollTop;
      events.prepend(...older.map((event) => this.row(event)));
      scroll.scrollTop = scroll.scrollHeight - below;
      this.label();
    } catch (error) {
      events.before(problem(error));
    } finally {
      earlier.disabled = false;
    }
  }

  // All events after `lastSeq` and before `end`: a page may hold fewer than were asked for.
  async page(lastSeq, end) {
    const found = [];
    for (let at = lastSeq; at < end - 1;) {
      const page = await get(`${this.path}?lastSeq=${at}&limit=${end - 1 - at}`);
      found.push(...page.events);
      if (page.events.length === 0) break;
      at = page.lastSeq;
    }
    return found;
  }

  row(event) {
    const details = h("details", {}, h("summary", {},
      h("span", { className: "seq" }, String(event.seq)),
      h("time", { dateTime: event.timestamp }, clock(event.timestamp)),
      h("span", { className: "says" }, say(event)),
      h("span", { className: `type ${tone(event.type)}` }, event.type)));
    // The JSON of most events is never looked at, so it is made when it is.
    details.ontoggle = () => {
      if (details.children.length > 1) return;
      const state = h("button", { type: "button", className: "quiet", onclick: () => this.pick(event.seq) }, `Show the state at event ${event.seq}`);
      details.append(h("pre", { className: "value" }, JSON.stringify(event, null, 2)), state);
    };
    return h("li", {}, details);
  }

  close() {
    clearTimeout(this.timer);
  }
}
