// The page of `lattice dev`: `#/` lists runs and workflows, `#/runs/<id>` shows one run live.
import { Home } from "/assets/home.js";
import { RunView } from "/assets/run.js";

const root = document.getElementById("view");
let view;

function show() {
  view?.close();
  document.getElementById("dialog").close();
  scrollTo(0, 0);
  const run = /^#\/runs\/([A-Za-z0-9_-]+)$/.exec(location.hash)?.[1];
  view = run ? new RunView(root, run) : new Home(root);
}

addEventListener("hashchange", () => {
  show();
  // A reader of the screen begins at the head of the new view.
  root.querySelector("h1")?.focus();
});
show();
