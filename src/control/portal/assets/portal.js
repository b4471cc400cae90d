// SPDX-License-Identifier: AGPL-3.0-or-later
// Conveniences on top of pages that work without them: copy buttons, and WireGuard keys made in this browser.

const PLACEHOLDER = 'YOUR-PRIVATE-KEY';
const SVG = 'http://www.w3.org/2000/svg';

function element(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}

/** Into the live region of the page, for screen readers. */
function say(text) {
  document.querySelector('[data-said]').textContent = text;
}

function offerCopies(root) {
  if (navigator.clipboard === undefined) return;
  const { copy, copied } = document.body.dataset;
  for (const source of root.querySelectorAll('[data-copyable]')) {
    const button = element('button', { type: 'button', className: 'plain small' });
    const show = (word) => {
      button.textContent = word;
      button.setAttribute('aria-label', `${word}: ${source.dataset.copyable}`);
    };
    show(copy);
    let turningBack;
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(source.textContent);
      show(copied);
      say(`${copied}: ${source.dataset.copyable}`);
      clearTimeout(turningBack);
      turningBack = setTimeout(() => {
        show(copy);
        say('');
      }, 4000);
    });
    source.after(button);
  }
}

function base64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

/** An X25519 pair as WireGuard writes keys. PKCS #8 ends with the 32 bytes of the private key (RFC 8410, section 7). */
async function makePair() {
  const pair = await crypto.subtle.generateKey({ name: 'X25519' }, true, ['deriveBits']);
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  const privateKey = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey)).slice(-32);
  return { publicKey: base64(publicKey), privateKey: base64(privateKey) };
}

/** One path over all dark modules, with the quiet zone of four modules that readers need. */
function qrPicture(encode, text, label) {
  const { data, size } = encode(text, { border: 4, ecc: 'L' });
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  let strokes = '';
  for (const [y, row] of data.entries()) {
    for (const [x, dark] of row.entries()) if (dark) strokes += `M${x} ${y}h1v1h-1z`;
  }
  path.setAttribute('d', strokes);
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`);
  svg.setAttribute('shape-rendering', 'crispEdges');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', label);
  svg.append(path);
  return svg;
}

/** Puts the private key into the configurations on the page. It is nowhere else, and goes with the page. */
async function fillIn(main, privateKey) {
  const { encode } = await import('./uqr.js');
  const note = main.querySelector('[data-key-note]');
  note.textContent = note.dataset.keyNote;
  for (const box of main.querySelectorAll('[data-configuration]')) {
    const pre = box.querySelector('pre');
    const text = pre.textContent.replace(PLACEHOLDER, privateKey);
    pre.textContent = text;
    const link = box.querySelector('a');
    link.download = box.dataset.configuration;
    link.href = URL.createObjectURL(new Blob([text], { type: 'application/octet-stream' }));
    const figure = element('figure', { className: 'qr' });
    figure.append(
      qrPicture(encode, text, note.dataset.qr),
      element('figcaption', { textContent: note.dataset.qrHint }),
    );
    link.addEventListener('click', () => {
      unsaved = false;
    });
    box.append(figure);
  }
}

/** A key made here that is in no file yet. */
let unsaved = false;

addEventListener('beforeunload', (event) => {
  if (unsaved) event.preventDefault();
});

/** Shows the page of an answer in place of this one, so that a key made here is not lost on the way. */
async function turnTo(response, privateKey) {
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const main = document.adoptNode(page.querySelector('main'));
  document.querySelector('main').replaceWith(main);
  document.title = page.title;
  if (main.querySelector('[data-key-note]') !== null) {
    history.pushState(null, '', response.url);
    await fillIn(main, privateKey);
    for (const link of main.querySelectorAll('a[data-keep]')) {
      link.addEventListener('click', async (event) => {
        event.preventDefault();
        await turnTo(await fetch(link.href), privateKey);
      });
    }
  }
  enhance(main);
  main.focus();
}

async function addNewDevice(form) {
  const { publicKey, privateKey } = await makePair();
  const fields = new URLSearchParams(new FormData(form));
  fields.set('publicKey', publicKey);
  const response = await fetch(form.action, { method: 'POST', body: fields });
  unsaved = response.url !== form.action;
  await turnTo(response, privateKey);
}

function offerKeys(root) {
  const form = root.querySelector('form[data-make]');
  if (form === null) return;
  const { make, makeNote, cannotMake } = form.dataset;
  const note = element('p', { className: 'quiet', textContent: makeNote });
  const button = element('button', { type: 'button', textContent: make });
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      await addNewDevice(form);
    } catch {
      button.remove();
      form.querySelector('button').className = '';
      note.textContent = cannotMake;
      note.setAttribute('role', 'alert');
    }
  });
  form.querySelector('button').className = 'plain';
  form.before(button, note);
}

/** Printing works without it, from the browser's own menu. */
function offerPrint(root) {
  const form = root.querySelector('[data-print]');
  if (form === null) return;
  const button = element('button', { type: 'button', className: 'plain', textContent: form.dataset.print });
  button.addEventListener('click', () => print());
  form.append(' ', button);
}

function enhance(root) {
  offerCopies(root);
  offerPrint(root);
  offerKeys(root);
}

addEventListener('popstate', () => location.reload());
enhance(document);
