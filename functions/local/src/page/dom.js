// Builds and updates elements. Data goes in as text only, never as markup.

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  // `condition && element` leaves the condition behind where it does not hold.
  for (const child of children) {
    if (child instanceof Node) element.append(child);
    else if (typeof child === "string") element.append(clean(child));
  }
  return element;
}

// Marks that reverse the direction of writing can make a text say something else.
const clean = (text) => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

// The parts of a template, by the names that they carry in `data-at`.
export function fill(root, template) {
  root.replaceChildren(document.getElementById(template).content.cloneNode(true));
  return parts(root);
}

export function parts(root) {
  const named = [...root.querySelectorAll("[data-at]")];
  return Object.fromEntries(named.map((element) => [element.dataset.at, element]));
}

// Writes only what is new, so that nothing flickers and a selection stays.
export function setText(element, text) {
  const cleaned = clean(text);
  if (element.textContent !== cleaned) element.textContent = cleaned;
}

// Brings the children in line with the items, by key. Elements that stay are not moved or made
// anew: whoever has the focus keeps it.
export function reconcile(parent, items, keyOf, make, update = () => {}) {
  const wanted = new Set(items.map(keyOf));
  const known = new Map();
  for (const child of [...parent.children]) {
    if (wanted.has(child.dataset.key)) known.set(child.dataset.key, child);
    else child.remove();
  }
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const element = known.get(key) ?? make(item);
    element.dataset.key = key;
    update(element, item);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
}

export function setStatus(element, status) {
  element.className = `status ${status}`;
  setText(element, status);
}

// What an error says: the sentence, what to do, and one by one what is wrong with a document.
export function problem(error) {
  const { detail, help, code, problems = [] } = error.body ?? { detail: String(error) };
  return h("div", { className: "problem", role: "alert" },
    h("p", {}, h("strong", {}, ...said(detail))),
    help && h("p", {}, ...said(help)),
    problems.length > 0 && documentProblems(problems),
    code && h("p", { className: "faint" }, code));
}

function documentProblems(problems) {
  return h("ul", { className: "problems" }, ...problems.map((one) => h("li", {},
    h("code", {}, one.code), ` ${one.severity} at `, h("code", {}, one.pointer || "the document"),
    one.node && h("span", {}, ` (node ${one.node})`),
    h("p", {}, ...said(one.text)), one.help && h("p", { className: "faint" }, ...said(one.help)))));
}

// A sentence whose names in backticks stand out.
function said(text) {
  return sentence(text).split("`").map((part, place) => (place % 2 ? h("code", {}, part) : part));
}

export function sentence(text) {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return first === "" || /[.!?:…]$/.test(first) ? first : `${first}.`;
}

// Laying out a very long text takes seconds: its beginning is shown until somebody wants all.
const TEXT_CHARS_MAX = 8000;

function longText(tag, text) {
  if (text.length <= TEXT_CHARS_MAX) return h(tag, { className: "value" }, text);
  const shown = h(tag, { className: "value" }, `${text.slice(0, TEXT_CHARS_MAX)}…`);
  const all = `Show all ${text.length.toLocaleString("en-GB")} characters`;
  const more = h("button", { type: "button", onclick: () => { setText(shown, text); more.remove(); } }, all);
  return h("div", {}, shown, more);
}

// A short name of a text that differs where the text does (FNV-1a, 32 bits, and the length).
export function mark(text) {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return `${text.length}-${hash >>> 0}`;
}

// A value as a person reads it: texts as they are, an object by its fields, the rest as JSON.
export function valueView(value) {
  if (value === null || typeof value !== "object") return longText("div", String(value));
  const isRecord = !Array.isArray(value);
  const hasText = isRecord && Object.values(value).some((field) => typeof field === "string");
  if (!hasText) return longText("pre", JSON.stringify(value, null, 2));
  return h("dl", { className: "fields" }, ...Object.entries(value).flatMap(([name, field]) =>
    [h("dt", {}, name), h("dd", {}, valueView(field))]));
}

// One line of a value; large values are kept elsewhere and only their length is known.
export function preview(stored, charsMax = 100) {
  if (stored?.blob) return `(${Math.ceil(stored.blob.bytes / 1024)} KB)`;
  const value = stored?.inline;
  return oneLine(typeof value === "string" ? value : JSON.stringify(value) ?? "", charsMax);
}

export function oneLine(text, charsMax = 160) {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > charsMax ? `${line.slice(0, charsMax - 1)}…` : line;
}

export const shortId = (id) => id.slice(-8);

export function clock(moment) {
  return new Date(moment).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

export function day(moment) {
  const date = new Date(moment);
  const isToday = date.toDateString() === new Date().toDateString();
  const named = date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
  return isToday ? `today ${clock(moment)}` : `${named} ${clock(moment)}`;
}

export function duration(ms) {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor(ms / 1000) % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

// Calls at most once in so many milliseconds, never two at a time, and always after the last ask.
export function throttle(ms, call) {
  let timer, isBusy = false, isAsked = false, isStopped = false;
  const run = async () => {
    isBusy = true;
    isAsked = false;
    await call();
    timer = setTimeout(() => { isBusy = false; if (isAsked) ask(); }, ms);
  };
  const ask = () => {
    if (isBusy) isAsked = true;
    else if (!isStopped) run();
  };
  ask.stop = () => { isStopped = true; clearTimeout(timer); };
  return ask;
}
