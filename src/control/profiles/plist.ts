// SPDX-License-Identifier: AGPL-3.0-or-later

/** What a property list can hold, as far as profiles need it. Numbers are whole. */
export type PlistValue =
  | string
  | number
  | boolean
  | Uint8Array
  | readonly PlistValue[]
  | { readonly [key: string]: PlistValue };

const HEAD = [
  '<?xml version="1.0" encoding="UTF-8"?>',
  '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
  '<plist version="1.0">',
];

/** XML 1.0, section 2.2: what is no character of XML becomes U+FFFD. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[^\t\n\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

function element(value: PlistValue, indent: string): string[] {
  if (typeof value === 'string') return [`${indent}<string>${escaped(value)}</string>`];
  if (typeof value === 'number') return [`${indent}<integer>${Math.trunc(value)}</integer>`];
  if (typeof value === 'boolean') return [`${indent}<${value}/>`];
  if (value instanceof Uint8Array) return [`${indent}<data>${Buffer.from(value).toString('base64')}</data>`];
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    return [`${indent}<array>`, ...value.flatMap((item) => element(item, inner)), `${indent}</array>`];
  }
  const entries: string[] = [];
  for (const [key, item] of Object.entries(value)) {
    entries.push(`${inner}<key>${escaped(key)}</key>`, ...element(item, inner));
  }
  return [`${indent}<dict>`, ...entries, `${indent}</dict>`];
}

/** An XML property list as Apple's systems read it. */
export function writePlist(value: PlistValue): string {
  return `${[...HEAD, ...element(value, ''), '</plist>'].join('\n')}\n`;
}
