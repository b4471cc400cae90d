// SPDX-License-Identifier: AGPL-3.0-or-later
import type { ConfigurationFile, Finding, Judge } from '../../../core/configuration/judge.ts';

/** What the `server` clause must set, with the only value allowed, because unbound's own default differs or may. */
const DEMANDED: Readonly<Record<string, string>> = {
  'use-syslog': 'no',
  logfile: '/dev/null',
  verbosity: '0',
  'val-log-level': '0',
  'log-queries': 'no',
  'log-replies': 'no',
  'log-local-actions': 'no',
  'log-servfail': 'no',
  'log-tag-queryreply': 'no',
  'log-identity': '',
  'statistics-interval': '0',
  'statistics-cumulative': 'no',
  'extended-statistics': 'no',
  'shm-enable': 'no',
  pidfile: '',
};

/** What may be set besides; each was read in unbound.conf(5) and keeps nothing about clients. */
const HARMLESS = new Set(
  `do-daemonize username chroot directory num-threads interface msg-cache-size rrset-cache-size
  cache-max-ttl cache-max-negative-ttl hide-identity hide-version hide-trustanchor qname-minimisation minimal-responses
  aggressive-nsec harden-glue harden-dnssec-stripped harden-below-nxdomain harden-large-queries harden-short-bufsize
  harden-algo-downgrade deny-any unwanted-reply-threshold ignore-cd-flag
  private-address domain-insecure trust-anchor-signaling root-key-sentinel val-clean-additional
  val-permissive-mode do-not-query-localhost`.split(/\s+/),
);

/**
 * A value is one plain word: unbound reads settings wherever a word ends, so a second word may be the next setting. A
 * hash, a quote or a colon at the end would make it more than a value.
 */
const PLAIN = /^(?:[\w./:-]*[\w./-]|"[\w./:-]*")$/;

/** What has more words. Other types of zones and of access log or count who asks. */
const WORDS: Readonly<Record<string, RegExp>> = {
  'access-control': /^[\da-f.:]+\/\d+ (?:allow|refuse)$/,
  'local-zone': /^"[\w.-]+" nodefault$/,
  'trust-anchor': /^"\. DS \d+ \d+ \d+ [\dA-F]+"$/,
  // The modules that only answer. Others (`cachedb`, `python`, `subnetcache`, `respip`) keep or log what is asked.
  'module-config': /^"(?:validator )?iterator"$/,
};

/** The other clauses and what they may hold. `dnstap`, `cachedb`, `auth-zone`, `rpz` and scripts write or log. */
const CLAUSES: Readonly<Record<string, ReadonlySet<string>>> = {
  'remote-control': new Set(['control-enable', 'control-interface', 'control-use-cert']),
  'forward-zone': new Set(['name', 'forward-addr']),
};

const CONTROL_SOCKET = '/run/lethe/resolver/unbound.ctl';

interface Setting {
  readonly clause: string;
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

const FILES = ['unbound.conf'];

/** Everything in an unbound.conf that could log, record or persist, and every key that no rule covers. */
function findings(file: ConfigurationFile): Finding[] | undefined {
  if (!FILES.includes(file.name)) return undefined;
  const settings = settingsOf(file.content);
  const wrong = settings.flatMap((setting) => {
    const problem = setting.clause === 'server' ? serverProblem(setting) : clauseProblem(setting);
    return problem === undefined ? [] : [{ file: file.name, line: setting.line, problem }];
  });
  const missing = Object.keys(DEMANDED)
    .filter((key) => !settings.some((setting) => setting.clause === 'server' && setting.key === key))
    .map((key) => ({ file: file.name, line: 0, problem: `${key} is not set` }));
  return [...wrong, ...missing];
}

export const RESOLVER_JUDGE: Judge = {
  files: FILES,
  known: {
    resolver: 'directory',
    'resolver/unbound.ctl': 'socket',
  },
  findings,
};

const UNKNOWN = 'a setting is not known to keep silent';

function serverProblem({ key, value }: Setting): string | undefined {
  if (Object.hasOwn(DEMANDED, key)) {
    return bare(value) === DEMANDED[key]
      ? undefined
      : `${key} must be ${DEMANDED[key] === '' ? 'empty' : DEMANDED[key]}`;
  }
  if (Object.hasOwn(WORDS, key))
    return WORDS[key]?.test(value) === true ? undefined : `${key} may log or keep what is asked`;
  if (!HARMLESS.has(key)) return UNKNOWN;
  return PLAIN.test(value) ? undefined : `${key} is not one plain word`;
}

function clauseProblem({ clause, key, value }: Setting): string | undefined {
  const allowed = Object.hasOwn(CLAUSES, clause) ? CLAUSES[clause] : undefined;
  if (allowed?.has(key) !== true) return UNKNOWN;
  if (key === 'control-interface' && value !== CONTROL_SOCKET) return 'control-interface must be a socket in memory';
  return PLAIN.test(value) ? undefined : `${key} is not one plain word`;
}

/** A value in double quotes is the same without them. */
function bare(value: string): string {
  return value.replace(/^"([^"]*)"$/, '$1');
}

/** unbound.conf(5): clauses end with a colon and nothing behind it; everything else is `key: value`, here one a line. */
function settingsOf(content: string): Setting[] {
  let clause = '';
  return content.split('\n').flatMap((text, index) => {
    const line = index + 1;
    if (/^ *(?:#|$)/.test(text)) return [];
    const [, key = '', value = ''] = /^ *([a-z-]+):(?: +(.*?))? *$/.exec(text) ?? [];
    if (key === '' || value !== '') return [{ clause, key, value, line }];
    clause = key;
    return clause === 'server' || Object.hasOwn(CLAUSES, clause) ? [] : [{ clause, key, value, line }];
  });
}
