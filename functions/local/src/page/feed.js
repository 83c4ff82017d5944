// Follows the log of a run: every event once and in order, whatever happens to the connection.
import { get, runPath } from "/assets/api.js";
import { WORDS, isEnd } from "/assets/words.js";

const PAUSE_MS_MIN = 1_000;
const PAUSE_MS_MAX = 30_000;

export class Feed {
  // `told`: event(event), chunk(chunk), mark(word), refused(error).
  constructor(run, lastSeq, told) {
    Object.assign(this, { path: runPath(run), last: lastSeq, told, pause: PAUSE_MS_MIN, isClosed: false });
    told.mark("connecting");
    // A browser has six connections to one server for all its tabs together, so a tab that nobody
    // sees gives its own back.
    this.seen = () => (document.hidden ? this.source?.close() : this.catchUp());
    document.addEventListener("visibilitychange", this.seen);
    this.open();
  }

  open() {
    if (this.isClosed || document.hidden) return;
    this.source?.close();
    const source = new EventSource(`${this.path}/stream?lastSeq=${this.last}`);
    this.source = source;
    source.onopen = () => { this.pause = PAUSE_MS_MIN; this.told.mark("live"); };
    source.onerror = () => this.lost(source);
    for (const type of Object.keys(WORDS)) {
      source.addEventListener(type, (frame) => this.take(JSON.parse(frame.data)));
    }
    source.addEventListener("llm.chunk", (frame) => this.told.chunk(JSON.parse(frame.data)));
  }

  take(event) {
    if (this.isClosed || event.seq <= this.last) return;
    // A gap is an event of a type that this page does not know; the page of the log has it.
    if (event.seq > this.last + 1) return this.catchUp();
    this.last = event.seq;
    this.told.event(event);
    if (isEnd(event)) this.end();
  }

  // The browser reconnects by itself after a cut. It gives up on an answer that is not a stream:
  // the run is over, is gone, or the server cannot serve now. The log says which.
  lost(source) {
    if (this.isClosed) return;
    this.told.mark("reconnecting");
    if (source.readyState === EventSource.CLOSED) this.later();
  }

  later() {
    const wait = this.pause * (0.5 + Math.random() / 2);
    this.pause = Math.min(this.pause * 2, PAUSE_MS_MAX);
    this.timer = setTimeout(() => this.catchUp(), wait);
  }

  async catchUp() {
    clearTimeout(this.timer);
    this.source?.close();
    try {
      for (let more = true; more && !this.isClosed;) {
        const page = await get(`${this.path}/events?lastSeq=${this.last}&limit=1000`);
        page.events.forEach((event) => this.take(event));
        more = page.more;
        if (page.over) return this.end();
      }
      this.open();
    } catch (error) {
      if (this.isClosed) return;
      const isFinal = error.status >= 400 && error.status < 500;
      if (!isFinal) return this.later();
      this.close();
      this.told.refused(error);
    }
  }

  end() {
    this.close();
    this.told.mark("over");
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.seen);
    this.source?.close();
  }
}
