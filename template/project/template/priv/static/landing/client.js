/** One client of a service: what it sends, what it hears, and why it was closed. */

import { BossSocket, mayPass } from "../boss.js";
import { element } from "./dom.js";
import { bytes, clock, dump, seconds } from "./words.js";

const LONGEST_LOG = 500; // entries; older ones make room
const LONGEST_TEXT = 20_000; // characters of one message that are shown

export class Client {
  /** @type {BossSocket | null} */
  #socket = null;
  /** @type {string[]} */
  #said = [];
  #recalled = 0;
  #countdown = 0;
  #following = false;
  /** @type {{ words: string, times: number, entry: any }} the last note */
  #noted = { words: "", times: 0, entry: undefined };

  /**
   * @param {string} url
   * @param {string} service its name
   * @param {string} name "Client 1"
   * @param {() => void} changed called when it has joined or was closed
   * @param {() => void} removed called when the person has had enough of it
   */
  constructor(url, service, name, changed, removed) {
    this.changed = changed;
    this.url = url;
    this.name = name;
    this.state = element("span.state", { role: "status" });
    this.leave = element("button.quiet", { type: "button", onclick: () => this.#toggle() });
    this.again = element("input", { type: "checkbox", checked: true });
    const onkeydown = (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter" && !event.isComposing) this.#joinAnew();
    };
    this.query = element("input", { type: "text", placeholder: "name=ann", spellcheck: false, onkeydown });
    this.protocol = element("input", { type: "text", placeholder: "none", spellcheck: false, onkeydown });
    this.log = element("div.log", { role: "log", tabIndex: 0, "aria-label": `What ${name} sent and heard` });
    this.message = element("textarea", {
      rows: 1,
      dir: "auto",
      spellcheck: false,
      placeholder: "Message",
      "aria-label": `Message of ${name}`,
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
      oninput: () => this.#typed(),
    });
    this.kind = element(
      "select",
      { "aria-label": "Kind of message", onchange: () => this.#typed() },
      element("option", { value: "text" }, "Text"),
      element("option", { value: "json" }, "JSON"),
    );
    this.fault = element("p.fault", { role: "alert", hidden: true });
    const file = element("input.hidden", { type: "file", multiple: true, "aria-label": "Send files as bytes" });
    file.onchange = async () => {
      for (const one of file.files) await this.#sendFile(one);
      file.value = "";
    };
    const form = element(
      "form",
      {
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          this.#say();
        },
      },
      this.message,
      element(
        "div.row",
        {},
        this.kind,
        element("label.button.quiet", { title: "Each file becomes one binary message" }, file, "File…"),
        element("button.main", { type: "submit" }, "Send"),
      ),
      this.fault,
    );
    this.panel = element(
      "section.client",
      { "aria-label": `${name} of ${service}` },
      element(
        "header.row",
        {},
        element("h3", {}, name),
        this.state,
        this.leave,
        element(
          "button.quiet",
          { type: "button", "aria-label": `Remove ${name}`, onclick: () => (this.#quit(), removed()) },
          "✕",
        ),
      ),
      this.log,
      form,
      element(
        "details.options",
        {},
        element("summary", {}, "Options"),
        element("label", {}, this.again, "Reconnect by itself"),
        element("label", {}, "Query ", this.query),
        element("label", {}, "Subprotocol ", this.protocol),
        element("p.muted", {}, "Query and subprotocol take effect when it joins again: Enter does so at once."),
      ),
    );
    this.panel.ondragover = (/** @type {DragEvent} */ event) => event.preventDefault();
    this.panel.ondrop = async (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      for (const one of event.dataTransfer?.files ?? []) await this.#sendFile(one);
    };
    this.#join();
  }

  focus() {
    this.message.focus();
  }

  /** Wait no longer for the next try. */
  retry() {
    if (this.#socket?.state !== "waiting") return;
    this.#socket.retryNow();
    this.#show("connecting");
  }

  #join() {
    const url = new URL(this.url);
    url.search = this.query.value;
    const protocol = this.protocol.value.trim();
    try {
      this.#socket = new BossSocket(url, {
        protocols: protocol === "" ? [] : protocol.split(/[\s,]+/),
        retry: (event) => this.again.checked && mayPass(event),
      });
    } catch (error) {
      this.#note("closed", /** @type {Error} */ (error).message);
      this.#show("closed");
      return;
    }
    const socket = this.#socket;
    this.#show("connecting");
    socket.on("open", ({ again, protocol: agreed }) => {
      this.#waited("waited for the connection");
      this.#show("joined");
      this.#note("joined", `${again ? "joined again" : "joined"}${agreed === "" ? "" : `, subprotocol ${agreed}`}`);
      this.changed();
    });
    socket.on("message", ({ data }) => this.#entry("received", data));
    socket.on("close", ({ code, reason, meaning, retryIn }) => {
      const why = `${code}, ${meaning}${reason === "" ? "" : `: “${reason}”`}`;
      this.#note("closed", why);
      if (retryIn === null) this.#waited("was not sent");
      if (this.#socket !== socket) return; // another has taken its place
      if (retryIn === null) this.#show("closed");
      else this.#wait(Date.now() + retryIn);
      this.changed();
    });
  }

  /** Leave, if it has joined, and join with what the options say now. */
  #joinAnew() {
    const before = this.#socket;
    this.#socket = null;
    before?.close();
    this.#join();
  }

  /** Count down to the next try. @param {number} until milliseconds */
  #wait(until) {
    const tell = () => this.#show("waiting", `again in ${seconds(Math.max(0, until - Date.now()))}`);
    clearInterval(this.#countdown); // of the try before, when that has failed, too
    tell();
    this.#countdown = setInterval(tell, 1000);
  }

  #toggle() {
    if (this.#socket === null || this.#socket.state === "closed") this.#join();
    else if (this.#socket.state === "waiting") this.retry();
    else this.#socket.close();
    this.focus();
  }

  #quit() {
    clearInterval(this.#countdown);
    this.#socket?.close();
    this.panel.remove();
  }

  /** @param {"connecting" | "joined" | "waiting" | "closed"} state @param {string} [words] */
  #show(state, words = state) {
    if (state !== "waiting") clearInterval(this.#countdown);
    this.panel.dataset.state = state;
    if (this.state.textContent !== words) this.state.textContent = words;
    const action = { connecting: "Stop", joined: "Leave", waiting: "Now", closed: "Join" }[state];
    this.leave.textContent = action;
    this.leave.setAttribute("aria-label", `${action}: ${this.name}`);
  }

  #say() {
    const text = this.message.value;
    if (this.kind.value === "json") {
      try {
        JSON.parse(text);
      } catch (error) {
        this.#complain(`This is no JSON yet. ${/** @type {Error} */ (error).message}`);
        return;
      }
    }
    if (!this.#send(text)) return;
    this.#said.push(text);
    this.#recalled = this.#said.length;
    this.message.value = "";
    this.#typed();
  }

  /** @param {File} file */
  async #sendFile(file) {
    this.#send(await file.arrayBuffer(), file.name);
  }

  /** @param {string | ArrayBuffer} data @param {string} [name] of a file */
  #send(data, name = "") {
    try {
      const now = /** @type {BossSocket} */ (this.#socket).send(data);
      const entry = this.#entry("sent", data, name);
      if (!now) entry.querySelector(".words").append(element("span.muted.waits", {}, "waits for the connection"));
      return true;
    } catch (error) {
      this.#complain(`Not sent: ${/** @type {Error} */ (error).message}.`);
      return false;
    }
  }

  /** Say what has become of what waited for a connection. @param {string} words */
  #waited(words) {
    for (const remark of this.log.querySelectorAll(".waits")) {
      remark.classList.remove("waits");
      remark.textContent = words;
    }
  }

  /** @param {string} words */
  #complain(words) {
    this.fault.textContent = words;
    this.fault.hidden = false;
    this.message.setAttribute("aria-invalid", "true");
  }

  #typed() {
    this.fault.hidden = true;
    this.message.removeAttribute("aria-invalid");
    this.message.rows = Math.min(8, this.message.value.split("\n").length);
  }

  /** Enter sends, with Shift it begins a new line; the arrows bring back what was said. @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#say();
    } else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && !this.message.value.includes("\n")) {
      const next = this.#recalled + (event.key === "ArrowUp" ? -1 : 1);
      if (next < 0 || next > this.#said.length) return;
      event.preventDefault();
      this.#recalled = next;
      this.message.value = this.#said[next] ?? "";
      this.#typed();
    }
  }

  /** @param {"joined" | "closed"} kind @param {string} words */
  #note(kind, words) {
    // Tries that fail in the same way are one entry: they would drive out what was heard.
    if (this.#noted.entry === this.log.lastElementChild && this.#noted.words === words) {
      this.#noted.times += 1;
      this.#noted.entry.querySelector(".words").textContent = `${words}, ${this.#noted.times} times`;
      return;
    }
    this.#noted = { words, times: 1, entry: this.#append(kind, element("span.words", {}, words)) };
  }

  /** @param {"sent" | "received"} kind @param {string | ArrayBuffer} data @param {string} [remark] */
  #entry(kind, data, remark = "") {
    const about = [remark];
    let body;
    if (typeof data === "string") {
      const shown = pretty(data);
      body = element("pre", { dir: "auto" }, shown.length > LONGEST_TEXT ? `${shown.slice(0, LONGEST_TEXT)}…` : shown);
      if (shown.length > LONGEST_TEXT) about.push(`${shown.length} characters`);
    } else {
      about.push(`binary, ${bytes(data.byteLength)}`);
      body = element("pre.binary", {}, dump(new Uint8Array(data)));
    }
    const remarks = about.filter(Boolean).join(", ");
    const parts = remarks === "" ? [body] : [body, element("span.muted", {}, remarks)];
    return this.#append(kind, element("div.words", {}, ...parts));
  }

  /** @param {string} kind @param {HTMLElement} words */
  #append(kind, words) {
    this.#follow();
    const now = new Date();
    const entry = element(
      `div.entry.${kind}`,
      {},
      element("span.hidden", {}, `${kind}: `),
      words,
      element("time", { dateTime: now.toISOString() }, clock(now)),
    );
    this.log.append(entry);
    while (this.log.childElementCount > LONGEST_LOG) this.log.firstElementChild.remove();
    return entry;
  }

  /** Keep the end of the log in sight, if it was. To measure is slow, so it is done once for a frame. */
  #follow() {
    if (this.#following) return;
    this.#following = true;
    const atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 24;
    requestAnimationFrame(() => {
      this.#following = false;
      if (atEnd) this.log.scrollTop = this.log.scrollHeight;
    });
  }
}

/** Text as it is, but objects and lists of JSON with their insides one to a line. @param {string} text */
function pretty(text) {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    const value = JSON.stringify(JSON.parse(text), null, 2);
    return value.length < 60 ? text : value;
  } catch {
    return text;
  }
}
