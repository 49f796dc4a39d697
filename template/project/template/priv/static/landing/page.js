/** The landing page: the services of this server, as boss/services.json tells them, kept up to date. */

import { set } from "./dom.js";
import { Overlay } from "./overlay.js";
import { Service } from "./service.js";
import { plural } from "./words.js";

const PERIOD = 5000; // milliseconds between two looks at the services
const DEV_PERIOD = 1000; // and, under `bossgen dev`, at the build

/** @type {Map<string, Service>} keyed by name */
const services = new Map();
const list = place("services");
const overlay = new Overlay(/** @type {HTMLButtonElement} */ (place("build")));
let dev = false;
let build = -1;

await look();
list.removeAttribute("aria-busy");
repeat(look, PERIOD);
repeat(lookAtBuild, DEV_PERIOD);

/** Ask the server for its services, and show them. */
async function look() {
  const answer = await ask("boss/services.json");
  if (answer?.status === 404) only((await ask("healthz"))?.status === 404 ? "no-router" : "switched-off");
  const here = answer?.ok === true || answer?.status === 404;
  const back = here && !place("offline").hidden;
  place("terminal").hidden = !dev;
  place("offline").hidden = here;
  if (!here) {
    set(place("summary"), "");
    for (const service of services.values()) service.unknown();
  }
  if (!answer?.ok) return;
  const found = await answer.json();
  dev = found.dev === true;
  document.title = `${found.app}: WebSocket services`;
  place("app").textContent = found.app;
  const clients = found.services.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.clients, 0);
  set(place("summary"), `${plural(found.services.length, "service")}, ${plural(clients, "client")}`);
  show(found.services);
  if (back) for (const service of services.values()) service.retry();
}

/** @param {import("./service.js").Description[]} found */
function show(found) {
  const names = new Set(found.map(({ name }) => name));
  for (const [name, service] of services) {
    if (names.has(name)) continue;
    service.gone();
    if (service.hasClients) continue;
    service.card.remove();
    services.delete(name);
  }
  for (const description of found) {
    const known = services.get(description.name);
    if (known !== undefined) {
      known.show(description);
      continue;
    }
    const service = new Service(description, look);
    services.set(description.name, service);
    const next = [...services].filter(([name]) => name > description.name).sort(([a], [b]) => (a < b ? -1 : 1))[0];
    list.insertBefore(service.card, next?.[1].card ?? null);
  }
  if (services.size === 0) only("no-services");
  else list.querySelector(".hint")?.remove();
}

/** Under `bossgen dev`, tell of a broken build, and look at the services again after a good one. */
async function lookAtBuild() {
  if (!dev) return;
  const answer = await ask("boss/dev.json");
  if (answer === null) {
    build = -1; // it starts anew: look again when it is back
    overlay.show({ ok: true }); // whatever was wrong may be mended
  }
  if (!answer?.ok) return;
  const outcome = await answer.json();
  overlay.show(outcome);
  if (outcome.build === build) return;
  build = outcome.build;
  await look();
}

/** Fetch something of this server; null when it does not answer. @param {string} path @returns {Promise<Response | null>} */
async function ask(path) {
  try {
    return await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(5000) });
  } catch {
    return null;
  }
}

/** Show a hint in place of the services, if it is not there already. @param {string} name of a template */
function only(name) {
  if (list.querySelector(`[data-hint="${name}"]`) !== null) return;
  const hint = /** @type {HTMLTemplateElement} */ (place(name)).content.firstElementChild?.cloneNode(true);
  /** @type {HTMLElement} */ (hint).dataset.hint = name;
  for (const service of services.values()) service.card.remove();
  services.clear();
  list.replaceChildren(/** @type {Node} */ (hint));
}

/** Do it again and again, one after the other, but not while nobody looks. @param {() => Promise<void>} task @param {number} period milliseconds */
function repeat(task, period) {
  setTimeout(async () => {
    if (document.visibilityState === "visible") await task();
    repeat(task, period);
  }, period);
}

/** @param {string} id @returns {HTMLElement} */
function place(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}
