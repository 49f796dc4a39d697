/** Numbers and bytes, as people read them. */

/** @param {number} count @param {string} one "client" */
export function plural(count, one) {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}

/** @param {number} count */
export function bytes(count) {
  if (count < 1024) return plural(count, "byte");
  if (count < 1024 * 1024) return `${trim(count / 1024)} KiB`;
  return `${trim(count / 1024 / 1024)} MiB`;
}

/** @param {number} milliseconds */
export function seconds(milliseconds) {
  return milliseconds < 950 ? "less than a second" : plural(Math.round(milliseconds / 1000), "second");
}

/** The time of the day, to the millisecond. @param {Date} moment */
export function clock(moment) {
  const part = (/** @type {number} */ value, size = 2) => String(value).padStart(size, "0");
  const time = [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map((value) => part(value)).join(":");
  return `${time}.${part(moment.getMilliseconds(), 3)}`;
}

/** The first bytes as hexadecimal numbers and as characters. @param {Uint8Array} data */
export function dump(data, longest = 48) {
  const start = data.subarray(0, longest);
  const numbers = [...start].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const letters = [...start].map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
  return `${numbers}${data.length > longest ? " …" : ""}\n${letters}${data.length > longest ? "…" : ""}`;
}

/** One limit of a service in words. @param {string} name @param {any} value */
export function limit(name, value) {
  if (Array.isArray(value)) return value.length > 0 ? value.join(", ") : EMPTY[name] ?? "none";
  if (name === "idle_timeout") return value === 0 ? "never" : plural(value, "second");
  if (name === "max_messages_per_second") return value === 0 ? "no limit" : String(value);
  if (name === "max_message_size" || name === "outbound_bytes") return bytes(value);
  if (name === "outbound_limit" || name === "mailbox_limit") return plural(value, "message");
  return String(value).replaceAll("_", " ");
}

/** What an empty list stands for. @type {Record<string, string>} */
const EMPTY = { allowed_origins: "the same only", subprotocols: "the first one offered" };

/** @param {number} value */
function trim(value) {
  return value.toFixed(value < 10 ? 1 : 0).replace(/\.0$/, "");
}
