// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Finding } from '../finding.ts';
import type { RenderedFile } from '../plan.ts';
import { FIREWALL_FILE, SYSCTL_FILE } from './render.ts';

interface Word {
  readonly text: string;
  readonly line: number;
}

/** Statements of nftables that write something down, hand packets to someone, or remember who sent them. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  log: 'log writes packets to the kernel log or to a listener',
  nflog: 'nflog hands packets to a listener',
  nftrace: 'nftrace writes packets to a listener',
  counter: 'counter counts packets',
  quota: 'quota counts bytes',
  limit: 'limit keeps state about packets',
  last: 'last remembers when a rule was used',
  meter: 'meter keeps an element for each sender',
  set: 'a named set can hold addresses',
  map: 'a named map can hold addresses',
  add: 'a set that packets fill holds addresses',
  update: 'a set that packets fill holds addresses',
  dynamic: 'a set that packets fill holds addresses',
  queue: 'queue hands packets to a program',
  dup: 'dup copies packets',
  fwd: 'fwd sends packets elsewhere',
  tproxy: 'tproxy hands connections to a program',
  redirect: 'redirect hands connections to a program',
  flow: 'a flow table holds addresses',
  flowtable: 'a flow table holds addresses',
  helper: 'a connection helper reads what customers send',
  include: 'include brings in text that nobody has checked',
  define: 'define hides text from this check',
};

/** Kernel settings that decide what is remembered or written about packets, with the only value allowed. */
const DEMANDED: Readonly<Record<string, string>> = {
  'net.netfilter.nf_conntrack_acct': '0',
  'net.netfilter.nf_conntrack_timestamp': '0',
  'net.netfilter.nf_conntrack_events': '0',
  'net.netfilter.nf_conntrack_log_invalid': '0',
  'net.ipv4.conf.all.log_martians': '0',
  'net.ipv4.conf.default.log_martians': '0',
  'net.ipv4.tcp_no_metrics_save': '1',
};

/** Seconds after which the kernel must have forgotten a flow that has ended. */
const LONGEST_MEMORY = 60;
const TIMEOUT = /^net\.netfilter\.nf_conntrack_.*timeout/;
const ESTABLISHED = 'net.netfilter.nf_conntrack_tcp_timeout_established';

/** Everything in a rendered ruleset or list of kernel settings that could log, record or persist. */
export function findings(file: RenderedFile): Finding[] {
  if (file.name === FIREWALL_FILE) return rulesetFindings(file);
  return file.name === SYSCTL_FILE ? settingFindings(file) : [];
}

function rulesetFindings(file: RenderedFile): Finding[] {
  const words = wordsOf(file.content);
  return words.flatMap(({ text, line }, index) => {
    const problem = Object.hasOwn(FORBIDDEN, text) ? FORBIDDEN[text] : undefined;
    // `maxseg size set` writes a field of the packet; nothing is kept.
    if (problem === undefined || (text === 'set' && words[index - 1]?.text === 'size')) return [];
    return [{ file: file.name, line, problem }];
  });
}

/** The bare words of a ruleset. Quoted names, comments and marks are no statements. */
function wordsOf(content: string): Word[] {
  return content.split('\n').flatMap((text, index) => {
    const bare = text.replaceAll(/"[^"]*"/g, ' ').replace(/#.*/, '');
    const words = bare.match(/[@\w./:-]+/g) ?? [];
    return words.map((word) => ({ text: word.replace(/^@/, ''), line: index + 1 }));
  });
}

function settingFindings(file: RenderedFile): Finding[] {
  const found: Finding[] = [];
  const missing = new Set(Object.keys(DEMANDED));
  for (const [index, text] of file.content.split('\n').entries()) {
    const [key = '', value = ''] = text
      .replace(/[#;].*/, '')
      .split('=')
      .map((part) => part.trim());
    const wanted = DEMANDED[key];
    missing.delete(key);
    if (wanted !== undefined && value !== wanted)
      found.push({ file: file.name, line: index + 1, problem: `${key} must be ${wanted}` });
    if (TIMEOUT.test(key) && key !== ESTABLISHED && !(Number(value) <= LONGEST_MEMORY))
      found.push({ file: file.name, line: index + 1, problem: `${key} is longer than ${LONGEST_MEMORY} seconds` });
  }
  for (const key of missing) found.push({ file: file.name, line: 0, problem: `${key} is not set` });
  return found;
}
