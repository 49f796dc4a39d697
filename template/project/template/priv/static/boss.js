/**
 * A WebSocket that comes back: it reconnects after a lost connection, and keeps what you send in the meantime.
 *
 *     import { BossSocket } from "./boss.js";
 *
 *     const chat = new BossSocket("websocket/chat");     // relative to the page, so base_url needs no thought
 *     chat.on("open", () => chat.send("hello"));
 *     chat.on("message", (event) => console.log(event.data));
 *     chat.on("close", (event) => console.log(event.meaning, event.retryIn));
 *
 * This file is yours. It needs nothing else, and no build step.
 */

/**
 * What the close codes mean, for people. RFC 6455, section 7.4, and what bossgen says with each.
 * @type {Readonly<Record<number, string>>}
 */
export const CLOSE_CODES = Object.freeze({
  1000: "closed normally",
  1001: "the service went down, or the page was left",
  1002: "one side broke the WebSocket protocol",
  1003: "one side got a kind of data it does not take",
  1005: "closed without a code",
  1006: "the connection was lost, or the server refused it",
  1007: "one side sent text that is not UTF-8",
  1008: "refused by a rule of the service: too slow, too many messages, or not allowed",
  1009: "a message was too big",
  1010: "the server lacks an extension",
  1011: "the service failed, or pings went unanswered",
  1012: "the server restarts",
  1013: "the server is too busy; try again later",
  1014: "a gateway got no good answer from the server",
  1015: "TLS could not be set up",
});

const PASSING = new Set([1001, 1006, 1011, 1012, 1013, 1014]);

/**
 * Whether another try may go better after this close; after all others it would end the same way.
 * @param {{ code: number }} event
 * @returns {boolean}
 */
export function mayPass({ code }) {
  return PASSING.has(code);
}

/**
 * A close code in words.
 * @param {number} code
 * @returns {string}
 */
export function meaning(code) {
  return CLOSE_CODES[code] ?? (code >= 4000 ? "a code of the application's own" : "an unknown code");
}

/** The connection is there; `again` says whether it was there before. */
export class OpenEvent extends Event {
  /** @param {string} protocol the subprotocol, or "" @param {boolean} again */
  constructor(protocol, again) {
    super("open");
    this.protocol = protocol;
    this.again = again;
  }
}

/** A message came: `data` is a string or an ArrayBuffer, `json()` the value that a string stands for. */
export class IncomingEvent extends Event {
  /** @param {string | ArrayBuffer} data */
  constructor(data) {
    super("message");
    this.data = data;
  }

  /** @returns {any} */
  json() {
    return JSON.parse(/** @type {string} */ (this.data));
  }
}

/** The connection is gone, or did not come about. */
export class ClosedEvent extends Event {
  /** @param {number} code @param {string} reason @param {number | null} retryIn milliseconds; null: not again */
  constructor(code, reason, retryIn) {
    super("close");
    this.code = code;
    this.reason = reason;
    this.retryIn = retryIn;
    this.meaning = meaning(code);
  }
}

/**
 * @typedef {object} Options
 * @property {string | string[]} [protocols] subprotocols to offer
 * @property {(event: { code: number, reason: string }) => boolean} [retry] whether to try again after a close;
 *     by default after those that another try may mend
 * @property {number} [firstDelay] the longest wait before the first new try, in milliseconds; it doubles each time
 * @property {number} [longestDelay] and up to this
 * @property {number} [queueLimit] how many messages wait while there is no connection
 * @property {number} [openTimeout] how long a try may take, in milliseconds
 */

/**
 * @typedef {object} Events
 * @property {OpenEvent} open
 * @property {IncomingEvent} message
 * @property {ClosedEvent} close
 */

export class BossSocket extends EventTarget {
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {(string | ArrayBufferLike | ArrayBufferView | Blob)[]} */
  #queue = [];
  #options;
  #tries = 0;
  #opened = false;
  #timer = 0;
  /** @type {"connecting" | "open" | "waiting" | "closing" | "closed"} */
  #state = "connecting";
  #online = () => this.retryNow();

  /**
   * Connect at once.
   * @param {string | URL} url relative to the page, or absolute; http and https become ws and wss
   * @param {Options} [options]
   */
  constructor(url, options = {}) {
    super();
    const address = new URL(url, document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    /** The absolute address. */
    this.url = address.href;
    this.#options = {
      protocols: [],
      retry: mayPass,
      firstDelay: 500,
      longestDelay: 30_000,
      queueLimit: 1000,
      openTimeout: 10_000,
      ...options,
    };
    window.addEventListener("online", this.#online);
    this.#connect();
  }

  /** "connecting", "open", "waiting" for the next try, "closing", or "closed" for good. */
  get state() {
    return this.#state;
  }

  /** How many messages wait for a connection. */
  get queued() {
    return this.#queue.length;
  }

  /**
   * `addEventListener` with the types of the events known.
   * @template {keyof Events} T
   * @param {T} type
   * @param {(event: Events[T]) => void} listener
   * @returns {() => void} call it to stop listening
   */
  on(type, listener) {
    const plain = /** @type {EventListener} */ (/** @type {unknown} */ (listener));
    this.addEventListener(type, plain);
    return () => this.removeEventListener(type, plain);
  }

  /**
   * Send text or bytes now, or as soon as there is a connection again, in the order of the calls.
   *
   * What was handed to a connection that is lost the next moment may not arrive: only an answer proves that it did.
   * @param {string | ArrayBufferLike | ArrayBufferView | Blob} data
   * @returns {boolean} whether it went out now
   * @throws {TypeError} it is neither text nor bytes; see `sendJSON`
   * @throws {RangeError} `queueLimit` messages wait already
   * @throws {DOMException} the socket is closed for good
   */
  send(data) {
    if (typeof data !== "string" && !isBytes(data)) {
      throw new TypeError("send takes text or bytes; sendJSON takes anything else");
    }
    if (this.#state === "open") {
      /** @type {WebSocket} */ (this.#socket).send(/** @type {any} */ (data));
      return true;
    }
    if (this.#state === "closing" || this.#state === "closed") {
      throw new DOMException("the socket is closed", "InvalidStateError");
    }
    if (this.#queue.length >= this.#options.queueLimit) {
      throw new RangeError(`${this.#queue.length} messages wait for a connection already`);
    }
    this.#queue.push(data);
    return false;
  }

  /**
   * Send a value as JSON text.
   * @param {unknown} value
   * @returns {boolean} whether it went out now
   */
  sendJSON(value) {
    return this.send(JSON.stringify(value));
  }

  /**
   * Close for good; what still waits for a connection is dropped.
   * @param {number} [code] 1000, or 3000 to 4999
   * @param {string} [reason] at most 123 bytes
   */
  close(code = 1000, reason = "") {
    if (this.#state === "closed") return;
    const connected = this.#socket !== null;
    this.#socket?.close(code, reason);
    clearTimeout(this.#timer);
    this.#queue = [];
    this.#state = "closing";
    if (!connected) this.#finish(code, reason);
  }

  /** Do not wait any longer for the next try. */
  retryNow() {
    if (this.#state !== "waiting") return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  #connect() {
    this.#state = "connecting";
    const socket = new WebSocket(this.url, this.#options.protocols);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    // A server that takes the connection and says nothing would keep us here for minutes.
    this.#timer = setTimeout(() => socket.close(), this.#options.openTimeout);
    socket.onopen = () => {
      clearTimeout(this.#timer);
      // One that closes at once is not a success: the delay keeps growing until a connection has lasted.
      this.#timer = setTimeout(() => (this.#tries = 0), 2 * this.#options.firstDelay);
      this.#state = "open";
      const again = this.#opened;
      this.#opened = true;
      for (const data of this.#queue.splice(0)) socket.send(/** @type {any} */ (data));
      this.dispatchEvent(new OpenEvent(socket.protocol, again));
    };
    socket.onmessage = (event) => this.dispatchEvent(new IncomingEvent(event.data));
    socket.onclose = (event) => this.#closed(event.code, event.reason);
  }

  /** @param {number} code @param {string} reason */
  #closed(code, reason) {
    clearTimeout(this.#timer);
    this.#socket = null;
    if (this.#state === "closing" || !this.#options.retry({ code, reason })) {
      this.#finish(code, reason);
      return;
    }
    // Full jitter: a thousand clients of a server that restarts do not come back in one moment.
    const longest = Math.min(this.#options.longestDelay, this.#options.firstDelay * 2 ** this.#tries);
    const delay = Math.random() * longest;
    this.#tries += 1;
    this.#state = "waiting";
    this.#timer = setTimeout(() => this.#connect(), delay);
    this.dispatchEvent(new ClosedEvent(code, reason, delay));
  }

  /** @param {number} code @param {string} reason */
  #finish(code, reason) {
    this.#state = "closed";
    this.#queue = [];
    window.removeEventListener("online", this.#online);
    this.dispatchEvent(new ClosedEvent(code, reason, null));
  }
}

/** @param {unknown} data */
function isBytes(data) {
  return data instanceof ArrayBuffer || ArrayBuffer.isView(data) || data instanceof Blob;
}
