/**
 * Make an element.
 * @param {string} tag "button.quiet" is a button of the class quiet
 * @param {Record<string, any>} [properties] `onclick` and the like are listeners, what has a dash is an attribute
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function element(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name);
  if (classes.length > 0) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role") made.setAttribute(key, value);
    else Object.assign(made, { [key]: value });
  }
  made.append(...children);
  return made;
}

/**
 * A button that copies a text, and says so.
 * @param {string} text
 * @param {string} what for those who do not see what stands beside it
 */
export function copyButton(text, what) {
  const button = element("button.quiet", { type: "button", "aria-label": `Copy ${what}` }, "Copy");
  button.onclick = async () => {
    await navigator.clipboard?.writeText(text).then(
      () => (button.textContent = "Copied"),
      () => (button.textContent = "Not allowed"),
    );
    setTimeout(() => (button.textContent = "Copy"), 1500);
  };
  // Browsers have a clipboard on secure pages and on localhost only.
  button.hidden = !navigator.clipboard;
  return button;
}

/**
 * Write a text that a screen reader reads out, but only when it is another.
 * @param {HTMLElement} place
 * @param {string} text
 */
export function set(place, text) {
  if (place.textContent !== text) place.textContent = text;
}
