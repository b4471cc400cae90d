// SPDX-License-Identifier: AGPL-3.0-or-later

/** A section of strongswan.conf(5) or swanctl.conf(5). `include` stands for the directive of that name. */
export interface Section {
  readonly [name: string]: string | number | boolean | readonly string[] | Section;
}

/** Both files have one grammar: `name = value`, `name { ... }`, `include file`. */
export function renderSection(section: Section, indent = ''): string {
  return Object.entries(section)
    .map(([name, value]) => indent + renderEntry(name, value, indent))
    .join('');
}

function renderEntry(name: string, value: Section[string], indent: string): string {
  if (typeof value === 'boolean') return `${name} = ${value ? 'yes' : 'no'}\n`;
  if (typeof value === 'number') return `${name} = ${value}\n`;
  if (typeof value === 'string') return name === 'include' ? `include ${value}\n` : `${name} = ${value}\n`;
  if (isList(value)) return `${name} = ${value.join(', ')}\n`;
  return `${name} {\n${renderSection(value, `${indent}  `)}${indent}}\n`;
}

function isList(value: readonly string[] | Section): value is readonly string[] {
  return Array.isArray(value);
}
