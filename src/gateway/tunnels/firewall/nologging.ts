// SPDX-License-Identifier: AGPL-3.0-or-later
import type { ConfigurationFile, Finding, Judge } from '../../../core/configuration/judge.ts';

const FIREWALL_FILE = 'firewall.nft';
const SYSCTL_FILE = 'sysctl.conf';
const ADDRESSES_FILE = 'addresses.env';

interface Word {
  readonly text: string;
  readonly line: number;
}

/** What was looked at and writes something down, hands packets to someone, or remembers who sent them. */
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

/** All that a silent ruleset needs: chains, what a packet is like, and whether it may pass. Any other word is a finding. */
const SILENT = new Set(
  `table delete inet lethe chain arriving leaving input outside inside forward outbound segments answers offered output translate
  type filter nat hook prerouting postrouting priority raw mangle srcnat policy
  accept drop reject with goto notrack masquerade to fully-random
  iifname oifname iif fib local skuid daddr saddr ip ip6 hoplimit meta l4proto nfproto ipv6 ipsec exists missing rt mtu
  tcp udp esp dccp sctp dport sport flags syn ack rst option maxseg size @th length ct state established related invalid
  icmp icmpv6 icmpx admin-prohibited no-route destination-unreachable time-exceeded parameter-problem packet-too-big
  echo-request nd-neighbor-solicit nd-neighbor-advert nd-router-solicit nd-router-advert mld2-listener-report
  . / != >=`.split(/\s+/),
);

/**
 * The forbidden words that may stand together in one way only, with what stands around them. The first writes a field of
 * the packet. The others count the flows of each customer by inner address, which is in the set while it has flows.
 */
const EXCEPTIONS = [
  'maxseg size set rt mtu',
  ...['4', '6'].flatMap((version) => [
    `set flows${version} type ipv${version}_addr size # flags dynamic`,
    `ct state new add @flows${version} ip${version === '4' ? '' : '6'} saddr ct count over # drop`,
  ]),
].map((phrase) => phrase.split(' '));
/** The only chain that may count: what gets there has come out of a tunnel under an inner address. */
const COUNTING = 'outbound';

/** Numbers and ranges of them, the range of ports of the NAT, addresses and networks, and the names of interfaces. */
const PLAIN = [
  /^(?:\d+|0x[\da-f]+)(?:-(?:\d+|0x[\da-f]+))?$/,
  /^:\d+-\d+$/,
  /^\d{1,3}(?:\.\d{1,3}){3}(?:\/\d{1,2})?$/,
  /^(?=[^:]*:[^:]*:)[\da-f]{0,4}(?::[\da-f]{0,4}){2,7}(?:\/\d{1,3})?$/,
  // As the kernel lists them: neighbouring networks as a range, and an address with IPv4 inside.
  /^\d{1,3}(?:\.\d{1,3}){3}-\d{1,3}(?:\.\d{1,3}){3}$/,
  /^[\da-f]{1,4}(?::[\da-f]{0,4}){2,7}-[\da-f]{1,4}(?::[\da-f]{0,4}){2,7}$/,
  /^::ffff:\d{1,3}(?:\.\d{1,3}){3}(?:\/\d{1,3})?$/,
  /^"[A-Za-z][\w.-]{0,14}"$/,
];

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

/**
 * Seconds after which the kernel must have forgotten a flow that has ended, or that gets no answer. Its own defaults are
 * longer. It also follows SCTP and DCCP, which the firewall passes on for no customer.
 */
const LONGEST_MEMORY = 60;
/** Seconds after which it must have forgotten a TCP connection that says nothing and has not ended (RFC 5382, REQ-5). */
const LONGEST_SILENCE = 7440;
const TIMEOUTS: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    `generic gre gre_stream icmp icmpv6 udp udp_stream tcp_syn_sent tcp_syn_recv tcp_unacknowledged tcp_max_retrans
    tcp_fin_wait tcp_close_wait tcp_last_ack tcp_time_wait tcp_close`
      .split(/\s+/)
      .map((flow) => [timeoutOf(flow), LONGEST_MEMORY]),
  ),
  [timeoutOf('tcp_established')]: LONGEST_SILENCE,
};

/** `udp_stream` is `net.netfilter.nf_conntrack_udp_timeout_stream`. */
function timeoutOf(flow: string): string {
  const [protocol, ...state] = flow.split('_');
  return ['net.netfilter.nf_conntrack', protocol, 'timeout', ...state].join('_');
}

/** Further settings that were looked at: they decide where packets may go, and nothing is kept about them. */
const HARMLESS =
  /^net\.(?:ipv4\.(?:ip_forward|tcp_max_tw_buckets)|ipv6\.conf\.all\.forwarding|ipv[46]\.conf\.(?:all|default)\.(?:rp_filter|accept_redirects|send_redirects|accept_source_route))$/;

/** The one thing that each line of the addresses may set, and what an address can be. A program's environment is made of it. */
const ADDRESSES: Readonly<Record<string, RegExp>> = { SERVICE4: /^[\d.]+$/, SERVICE6: /^[\da-f:]+$/ };

/** Everything in the ruleset, the kernel settings or the service addresses that could log, record or persist. */
function findings(file: ConfigurationFile): Finding[] | undefined {
  switch (file.name) {
    case FIREWALL_FILE:
      return rulesetFindings(file);
    case SYSCTL_FILE:
      return settingFindings(file);
    case ADDRESSES_FILE:
      return addressFindings(file);
    default:
      return undefined;
  }
}

export const FIREWALL_JUDGE: Judge = { files: [FIREWALL_FILE, SYSCTL_FILE, ADDRESSES_FILE], findings };

function rulesetFindings(file: ConfigurationFile): Finding[] {
  const words = wordsOf(file.content);
  const excepted = exceptedIn(words);
  return words.flatMap(({ text, line }, index) => {
    if (excepted.has(index) || SILENT.has(text) || PLAIN.some((pattern) => pattern.test(text))) return [];
    const problem = Object.hasOwn(FORBIDDEN, text) ? FORBIDDEN[text] : undefined;
    return [{ file: file.name, line, problem: problem ?? 'a word is not known to keep silent' }];
  });
}

/** The words, by number, that belong to an exception which is there whole. */
function exceptedIn(words: readonly Word[]): Set<number> {
  const excepted = new Set<number>();
  let chain = '';
  for (const [start, { text }] of words.entries()) {
    if (text === 'chain') chain = words[start + 1]?.text ?? '';
    for (const phrase of EXCEPTIONS) {
      if (phrase.includes('count') && chain !== COUNTING) continue;
      const whole = phrase.every((word, index) => fits(words[start + index]?.text, word));
      if (whole) for (const index of phrase.keys()) excepted.add(start + index);
    }
  }
  return excepted;
}

/** `#` stands for any number. */
function fits(text: string | undefined, word: string): boolean {
  return word === '#' ? /^\d+$/.test(text ?? '') : text === word;
}

/**
 * The words of a ruleset, as they stand between spaces, braces, commas and semicolons: what is glued together (`1-9log`)
 * stays one word, and a quoted text with a space in it is none that anybody knows.
 */
function wordsOf(content: string): Word[] {
  return content.split('\n').flatMap((text, index) => {
    const words = text.replace(/(^| )#[^\\]*$/, '').match(/[^ {},;]+/g) ?? [];
    return words.map((word) => ({ text: word, line: index + 1 }));
  });
}

function settingFindings(file: ConfigurationFile): Finding[] {
  const settings = settingsOf(file.content);
  const wrong = settings.flatMap(({ key, value, line }) => {
    const problem = settingProblem(key, value);
    return problem === undefined ? [] : [{ file: file.name, line, problem }];
  });
  const missing = [...Object.keys(DEMANDED), ...Object.keys(TIMEOUTS)]
    .filter((key) => !settings.some((setting) => setting.key === key))
    .map((key) => ({ file: file.name, line: 0, problem: `${key} is not set` }));
  return [...wrong, ...missing];
}

function settingProblem(key: string, value: string): string | undefined {
  if (Object.hasOwn(DEMANDED, key)) return value === DEMANDED[key] ? undefined : `${key} must be ${DEMANDED[key]}`;
  const longest = Object.hasOwn(TIMEOUTS, key) ? TIMEOUTS[key] : undefined;
  if (longest === undefined && !HARMLESS.test(key)) return 'a setting is not known to keep silent';
  if (!/^\d+$/.test(value)) return 'a value is not a number';
  return longest === undefined || Number(value) <= longest ? undefined : `${key} is longer than ${longest} seconds`;
}

interface Setting {
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

/** sysctl.conf(5): `key = value`, and comments on lines of their own; behind a value they would be a part of it. */
function settingsOf(content: string): Setting[] {
  return content.split('\n').flatMap((text, index) => {
    const bare = text.replace(/^ *[#;].*/, '').trim();
    const at = bare.indexOf('=');
    const key = (at === -1 ? bare : bare.slice(0, at)).trim();
    return bare === '' ? [] : [{ key, value: at === -1 ? '' : bare.slice(at + 1).trim(), line: index + 1 }];
  });
}

function addressFindings(file: ConfigurationFile): Finding[] {
  const lines = file.content.split('\n');
  const keys = lines.map((line) => line.slice(0, Math.max(0, line.indexOf('='))));
  const wrong = lines.flatMap((line, index) => {
    const key = keys[index] as string;
    const known = Object.hasOwn(ADDRESSES, key) && ADDRESSES[key]?.test(line.slice(key.length + 1)) === true;
    return known || line === ''
      ? []
      : [{ file: file.name, line: index + 1, problem: 'a line is not the address of a service' }];
  });
  const missing = Object.keys(ADDRESSES)
    .filter((key) => !keys.includes(key))
    .map((key) => ({ file: file.name, line: 0, problem: `${key} is not set` }));
  return [...wrong, ...missing];
}
