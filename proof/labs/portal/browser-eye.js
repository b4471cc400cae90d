// SPDX-License-Identifier: AGPL-3.0-or-later
// What the browser test looks at from inside a page. It is evaluated there, and served to nobody.

function channels(color) {
  return color.match(/[\d.]+/g).map(Number);
}

/** WCAG 2.2, definition of relative luminance. */
function luminance(color) {
  const [red, green, blue] = channels(color)
    .slice(0, 3)
    .map((value) => (value <= 10.31 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function background(element) {
  const color = getComputedStyle(element).backgroundColor;
  if (channels(color)[3] !== 0) return color;
  return element.parentElement === null ? 'rgb(255, 255, 255)' : background(element.parentElement);
}

/** Each element that has text of its own, with the ratio between the text and what is behind it. */
export function contrasts() {
  const own = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
  return [...document.body.querySelectorAll('*')]
    .filter((element) => own(element) && element.checkVisibility())
    .map((element) => {
      const [low, high] = [luminance(getComputedStyle(element).color), luminance(background(element))].sort(
        (a, b) => a - b,
      );
      return { text: element.textContent.trim().slice(0, 40), ratio: (high + 0.05) / (low + 0.05) };
    });
}

/** Pixels by which the page is wider than the window. */
export function overflow() {
  return document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth;
}

/** What stands in a list of definitions and does not belong there (HTML, 4.4.9). Screen readers lose count at it. */
export function strangers() {
  const all = [...document.querySelectorAll('dl > *, dl > div > *')];
  return all
    .filter((element) => !['DT', 'DD'].includes(element.tagName))
    .filter((element) => element.tagName !== 'DIV' || element.parentElement.tagName !== 'DL')
    .map((element) => element.outerHTML.slice(0, 80));
}

/** Makes the text twice as large, as somebody does who sees little. */
export function doubled() {
  document.documentElement.style.fontSize = '200%';
}

/** Everything that can be worked, in the order it is read. The keyboard starts before the first of them. */
export function focusable() {
  const all = document.querySelectorAll(
    'a[href], button, select, input:not([type=hidden], [tabindex="-1"]), summary, [tabindex="0"]',
  );
  const visible = [...all].filter((element) => element.checkVisibility());
  for (const [index, element] of visible.entries()) element.dataset.eye = `${index} ${element.textContent.trim()}`;
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute('tabindex');
  return visible.map((element) => element.dataset.eye);
}

/** What has the focus, and how wide the line around it is. */
export function focused() {
  const style = getComputedStyle(document.activeElement);
  const outline = style.outlineStyle === 'none' ? 0 : Number.parseFloat(style.outlineWidth);
  return { id: document.activeElement.dataset.eye, outline };
}
