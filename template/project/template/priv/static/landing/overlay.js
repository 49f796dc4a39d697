/** While `bossgen dev` serves: what is wrong with the last build, over the page, until it is mended. */

import { element } from "./dom.js";
import { plural } from "./words.js";

/**
 * @typedef {object} Build what boss/dev.json says
 * @property {number} [build] counts the builds
 * @property {boolean} ok
 * @property {{ severity: string, path: string }[]} [diagnostics]
 * @property {string} [text] the diagnostics as the terminal shows them
 */

export class Overlay {
  #shown = -1;
  #dismissed = -1;

  /** @param {HTMLButtonElement} reopen shown while the build is broken and the overlay closed */
  constructor(reopen) {
    this.reopen = reopen;
    this.title = element("h2", { id: "build-title" });
    this.files = element("p.files");
    this.text = element("pre", { tabIndex: 0, "aria-label": "What bossgen found" });
    this.dialog = element(
      "dialog.overlay",
      { "aria-labelledby": "build-title" },
      element(
        "header.row",
        {},
        this.title,
        element("button.quiet", { type: "button", onclick: () => this.dialog.close() }, "Close"),
      ),
      this.files,
      element("p.muted", {}, "The last good build goes on serving. Save a mended file, and this goes away by itself."),
      this.text,
    );
    this.dialog.onclose = () => {
      this.#dismissed = this.#shown;
    };
    reopen.onclick = () => this.dialog.showModal();
    document.body.append(this.dialog);
  }

  /** @param {Build} build */
  show({ build = 0, ok, diagnostics = [], text = "" }) {
    this.reopen.hidden = ok;
    if (ok) {
      if (this.dialog.open) this.dialog.close();
      this.#shown = -1;
      return;
    }
    if (build === this.#shown) return;
    this.#shown = build;
    const errors = diagnostics.filter(({ severity }) => severity === "error");
    const files = new Set(errors.map(({ path }) => path));
    this.title.textContent = `The build failed${errors.length > 0 ? `: ${plural(errors.length, "error")}` : ""}`;
    this.files.textContent = [...files].join(", ");
    this.text.replaceChildren(...text.trimEnd().split("\n").map(painted));
    if (!this.dialog.open && build !== this.#dismissed) this.dialog.showModal();
  }
}

/** One line of the diagnostics, coloured as in the terminal. @param {string} line */
function painted(line) {
  const kind =
    /^(error|warning)\b/.exec(line)?.[1] ??
    (/^\s*-->/.test(line) ? "where" : /^\s*= /.test(line) ? "help" : /^\s*\|\s*\^+/.test(line) ? "caret" : "source");
  return element(`span.${kind}`, {}, `${line}\n`);
}
