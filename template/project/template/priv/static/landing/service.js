/** One service: where it is, what it does, and as many clients of it as one likes. */

import { Client } from "./client.js";
import { copyButton, element, set } from "./dom.js";
import { limit, plural } from "./words.js";

/**
 * @typedef {object} Description what boss/services.json says of a service
 * @property {string} name
 * @property {string} url
 * @property {string} file
 * @property {string[]} callbacks
 * @property {Record<string, any>} limits
 * @property {"running" | "stopped" | "failed"} state
 * @property {string | null} reason
 * @property {number} clients
 */

export class Service {
  #clients = new Set();
  #count = 0;
  #url = "";
  #built = ""; // what of it only another build changes

  /**
   * @param {Description} description
   * @param {() => void} changed called when a client of this page has joined or was closed
   */
  constructor(description, changed) {
    this.changed = changed;
    const { name } = description;
    this.name = name;
    this.state = element("span.badge", { role: "status" });
    this.connected = element("span.muted");
    this.join = element("button.main", { type: "button", onclick: () => this.#join() });
    this.facts = element("div.facts");
    this.clients = element("div.clients");
    this.card = element(
      "article.card",
      { "aria-labelledby": `service-${name}` },
      element(
        "header.row",
        {},
        element("h2", { id: `service-${name}` }, name),
        this.state,
        this.connected,
        this.join,
      ),
      this.facts,
      this.clients,
    );
    this.#label();
    this.show(description);
  }

  get hasClients() {
    return this.#clients.size > 0;
  }

  /** @param {Description} description */
  show(description) {
    const { state, reason, clients } = description;
    this.card.dataset.state = state;
    this.join.disabled = state !== "running"; // a handshake would be refused
    set(this.state, reason === null ? state : `${state}: ${reason}`);
    set(this.connected, `${plural(clients, "client")} connected`);
    // Made anew only when it has changed, so that nothing closes under the reader.
    const built = JSON.stringify([description.url, description.file, description.callbacks, description.limits]);
    if (built === this.#built) return;
    this.#built = built;
    this.#url = address(description.url);
    this.facts.replaceChildren(...facts(description, this.#url));
  }

  /** The service is in the table no more; its clients stay, so that one can read what they heard. */
  gone() {
    this.card.dataset.state = "failed";
    set(this.state, "not in this build any more");
    set(this.connected, "");
    this.join.disabled = true;
  }

  /** The server does not answer, so what it last said of the service may be true no more. */
  unknown() {
    this.card.dataset.state = "unknown";
    set(this.state, "unknown");
    set(this.connected, "");
    this.join.disabled = true;
  }

  /** The server is back: let no client wait any longer. */
  retry() {
    for (const client of this.#clients) client.retry();
  }

  #join() {
    this.#count += 1;
    const client = new Client(this.#url, this.name, `Client ${this.#count}`, this.changed, () => {
      this.#clients.delete(client);
      this.#label();
      this.join.focus();
    });
    this.#clients.add(client);
    this.clients.append(client.panel);
    this.#label();
    client.focus();
  }

  #label() {
    set(this.join, this.#clients.size === 0 ? "Join" : "Join once more");
  }
}

/** @param {Description} description @param {string} url @returns {Node[]} */
function facts({ name, file, callbacks, limits }, url) {
  const snippet = `new WebSocket("${url}", "some_service_name")`;
  const table = element("dl");
  for (const [key, value] of Object.entries(limits)) {
    table.append(element("div", {}, element("dt", {}, key), element("dd", {}, limit(key, value))));
  }
  return [
    element("p.row", {}, element("code", {}, url), copyButton(url, `the URL of ${name}`)),
    element(
      "details",
      {},
      element("summary", {}, "How it is made"),
      element("p", {}, "Handler ", element("code", {}, file)),
      element("p", {}, "Callbacks ", ...callbacks.flatMap((one) => [element("code", {}, one), " "])),
      element("p.row", {}, element("code", {}, snippet), copyButton(snippet, `the call that joins ${name}`)),
      table,
    ),
  ];
}

/** The absolute address of a path on this server. @param {string} path */
function address(path) {
  const url = new URL(path, document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}
