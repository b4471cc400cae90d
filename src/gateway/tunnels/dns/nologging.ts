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
  `do-daemonize username chroot directory num-threads interface access-control msg-cache-size rrset-cache-size
  cache-max-ttl cache-max-negative-ttl hide-identity hide-version hide-trustanchor qname-minimisation minimal-responses
  aggressive-nsec harden-glue harden-dnssec-stripped harden-below-nxdomain harden-large-queries harden-short-bufsize
  harden-algo-downgrade deny-any unwanted-reply-threshold ignore-cd-flag
  private-address local-zone domain-insecure trust-anchor trust-anchor-signaling root-key-sentinel val-clean-additional
  val-permissive-mode do-not-query-localhost`.split(/\s+/),
);

/** The other clauses and what they may hold. `dnstap`, `cachedb`, `auth-zone`, `rpz` and scripts write or log. */
const CLAUSES: Readonly<Record<string, ReadonlySet<string>>> = {
  'remote-control': new Set(['control-enable', 'control-interface', 'control-use-cert']),
  'forward-zone': new Set(['name', 'forward-addr']),
};

/** The modules that only answer. Others (`cachedb`, `python`, `subnetcache`, `respip`) keep or log what is asked. */
const MODULES = /^(validator )?iterator$/;

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

function serverProblem({ key, value }: Setting): string | undefined {
  if (Object.hasOwn(DEMANDED, key)) {
    return value === DEMANDED[key] ? undefined : `${key} must be ${DEMANDED[key] === '' ? 'empty' : DEMANDED[key]}`;
  }
  if (key === 'module-config') return MODULES.test(value) ? undefined : 'a module may keep or log what is asked';
  return HARMLESS.has(key) ? undefined : `${key} is not known to keep silent`;
}

function clauseProblem({ clause, key, value }: Setting): string | undefined {
  const allowed = Object.hasOwn(CLAUSES, clause) ? CLAUSES[clause] : undefined;
  if (allowed === undefined) return `${clause === '' ? key : clause} is not known to keep silent`;
  if (!allowed.has(key)) return `${key} is not known to keep silent`;
  if (key === 'control-interface' && !value.startsWith('/run/')) return 'control-interface must be a socket in memory';
  return undefined;
}

/** unbound.conf(5): clauses end with a colon and nothing behind it; everything else is `key: value`. */
function settingsOf(content: string): Setting[] {
  let clause = '';
  return content.split('\n').flatMap((text, index) => {
    const bare = text.replace(/(^|\s)#.*/, '').trim();
    const colon = bare.indexOf(':');
    const key = colon === -1 ? bare : bare.slice(0, colon);
    const value = colon === -1 ? '' : bare.slice(colon + 1).trim();
    if (bare === '') return [];
    if (colon !== -1 && value === '') {
      clause = key;
      return clause === 'server' || Object.hasOwn(CLAUSES, clause) ? [] : [{ clause, key, value, line: index + 1 }];
    }
    return [{ clause, key, value: value.replace(/^"(.*)"$/, '$1'), line: index + 1 }];
  });
}
