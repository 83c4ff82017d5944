// Asks the server. Whatever goes wrong comes as a `Refusal` that holds a problem body.

export class Refusal extends Error {
  constructor(body, status) {
    super(body.detail);
    this.body = body;
    this.status = status;
  }
}

const SILENT = {
  detail: "the server does not answer",
  help: "look whether `lattice dev` still runs; this page tries again by itself",
};

// Gives the body, and the ETag where there is one.
export async function ask(method, path, { body, text, headers = {}, signal } = {}) {
  const sent = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const type = sent === undefined ? {} : { "content-type": "application/json" };
  let response, answer;
  try {
    response = await fetch(path, { method, body: sent, headers: { ...type, ...headers }, signal });
    answer = await response.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(SILENT, 0);
  }
  const data = parse(answer);
  if (response.ok) return { data, etag: response.headers.get("etag") };
  const detail = `the server answers ${response.status} without a reason`;
  throw new Refusal(typeof data?.detail === "string" ? data : { detail, help: "" }, response.status);
}

export const get = async (path, options) => (await ask("GET", path, options)).data;
export const post = async (path, body) => (await ask("POST", path, { body })).data;

export const runPath = (run) => `/v1/runs/${encodeURIComponent(run)}`;
export const workflowPath = (id) => `/v1/workflows/${encodeURIComponent(id)}`;

let loaded;

// The examples that come with the program: name, document, input.
export function examples() {
  loaded ??= get("/assets/examples.json").catch((error) => { loaded = undefined; throw error; });
  return loaded;
}

function parse(text) {
  try { return JSON.parse(text); } catch { return undefined; }
}
