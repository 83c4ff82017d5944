// What models are saying at the moment, one growing text per stage. The stored answer replaces it.
import { h } from "/assets/dom.js";

const DONE = /^(llm\.step\.(completed|failed)|stage\.(completed|failed|skipped|retrying)|run\.(completed|failed|cancelled))$/;

export class Telling {
  constructor(at) {
    this.at = at;
    this.texts = new Map();
  }

  chunk({ stage, attempt, offset, text }) {
    let told = this.texts.get(stage);
    if (told && attempt < told.attempt) return;
    if (!told) this.texts.set(stage, told = this.begin(stage));
    const isNew = offset === 0 || attempt !== told.attempt;
    if (isNew) Object.assign(told, { attempt, length: 0 }).node.data = "";
    // Offsets count whole characters, which JavaScript may keep as two units.
    if (offset < told.length) told.node.data = [...told.node.data].slice(0, offset).join("");
    if (offset > told.length) told.node.data += " … ";
    told.node.data += text;
    told.length = offset + [...text].length;
    const box = told.node.parentElement;
    box.scrollTop = box.scrollHeight;
  }

  begin(stage) {
    const node = document.createTextNode("");
    const element = h("div", {}, h("h3", {}, stage), h("div", { className: "value told" }, node));
    this.at.texts.append(element);
    this.at.telling.hidden = false;
    return { element, node, attempt: 0, length: 0 };
  }

  event({ type, payload }) {
    if (!DONE.test(type)) return;
    if (type.startsWith("run.")) this.clear();
    else this.drop(payload.stage);
  }

  drop(stage) {
    this.texts.get(stage)?.element.remove();
    this.texts.delete(stage);
    this.at.telling.hidden = this.texts.size === 0;
  }

  clear() {
    [...this.texts.keys()].forEach((stage) => this.drop(stage));
  }
}
