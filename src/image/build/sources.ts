// SPDX-License-Identifier: AGPL-3.0-or-later

/** The two archives that locks name, without saying where they are. */
export type Archive = 'debian' | 'debian-security';

export interface Source {
  readonly archive: Archive;
  /** Where this machine finds it, without a slash at the end. Stays on this machine. */
  readonly uri: string;
  readonly suite: string;
}

export const DEBIAN = 'bookworm';
const SUITES: Readonly<Record<string, Archive>> = {
  [DEBIAN]: 'debian',
  [`${DEBIAN}-updates`]: 'debian',
  [`${DEBIAN}-security`]: 'debian-security',
};

/**
 * Finds Debian's own archives among a machine's apt sources, in both of apt's formats. Other archives, other suites
 * and source packages are passed over.
 */
export function debianSources(texts: readonly string[]): Source[] {
  const found = new Map<string, Source>();
  for (const { uri, suite, components } of texts.flatMap((text) => [...oneLine(text), ...stanzas(text)])) {
    const archive = SUITES[suite];
    if (archive === undefined || !components.includes('main') || found.has(suite)) continue;
    found.set(suite, { archive, uri: uri.replace(/\/+$/, ''), suite });
  }
  return [...found.values()];
}

interface Named {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
}

/** `deb [options] URI SUITE COMPONENT...` */
function* oneLine(text: string): Generator<Named> {
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line);
    if (match !== null) {
      yield { uri: match[1] as string, suite: match[2] as string, components: words(match[3]) };
    }
  }
}

/** deb822 paragraphs, as in debian.sources. */
function* stanzas(text: string): Generator<Named> {
  for (const paragraph of text.replaceAll(/^#.*\n?/gm, '').split(/\n\s*\n/)) {
    const field = (name: string) => words(new RegExp(`^${name}:(.*(?:\\n[ \\t].*)*)`, 'im').exec(paragraph)?.[1]);
    if (!field('Types').includes('deb') || field('Enabled')[0] === 'no') continue;
    for (const uri of field('URIs')) {
      for (const suite of field('Suites')) yield { uri, suite, components: field('Components') };
    }
  }
}

function words(text = ''): string[] {
  return text.split(/\s+/).filter(Boolean);
}
