// SPDX-License-Identifier: AGPL-3.0-or-later
import type { ConfigurationFile, Finding, Judge } from '../../../core/configuration/judge.ts';

const FILES = ['openvpn-udp.conf', 'openvpn-tcp.conf'];

/** What the file must set, with the only values allowed, because OpenVPN's own default says or runs more. */
const DEMANDED: Readonly<Record<string, string>> = {
  verb: '0',
  log: '/dev/null',
  'management-log-cache': '1',
  'script-security': '0',
};

/** What was looked at and leaves something behind. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  status: 'writes who is connected to a file',
  'status-version': 'belongs to a status file',
  'log-append': 'keeps a log',
  syslog: 'logs to the system',
  daemon: 'logs to the system unless told otherwise',
  'errors-to-stderr': 'logs to whoever reads standard error',
  'machine-readable-output': 'logs for a program to read',
  echo: 'says things to the management log',
  'ifconfig-pool-persist': 'remembers who had which address',
  'client-config-dir': 'needs a file for each customer',
  'replay-persist': 'keeps the state of sessions in a file',
  writepid: 'writes a file',
  'tls-export-cert': 'writes the certificates of clients to files',
  'port-share': 'can write the addresses of clients to files',
  'auth-user-pass-verify': 'gives credentials to a program',
  'client-connect': 'tells a program who connects',
  'client-disconnect': 'tells a program who was connected',
  'client-crresponse': 'gives credentials to a program',
  'learn-address': 'tells a program who has which address',
  'tls-verify': 'tells a program who connects',
  'tls-crypt-v2-verify': 'tells a program who connects',
  ipchange: 'tells a program where clients are',
  up: 'runs a program',
  down: 'runs a program',
  'route-up': 'runs a program',
  'route-pre-down': 'runs a program',
  iproute: 'runs a program',
  plugin: 'loads foreign code',
  providers: 'loads foreign code',
  engine: 'loads foreign code',
  config: 'takes in a file that nobody has looked at',
  capath: 'takes in files that nobody has looked at',
  setenv: 'changes what is said of clients',
  'setenv-safe': 'changes what is said of clients',
};

/** What may be set besides; each was read in openvpn(8) and keeps nothing about a client. */
const HARMLESS = new Set(
  `mode tls-server dev dev-type port proto local multihome explicit-exit-notify tcp-nodelay keepalive max-clients
  connect-freq connect-freq-initial persist-key persist-tun topology server server-ipv6 ca cert key tls-crypt
  tls-crypt-v2 dh tls-version-min tls-groups tls-cert-profile tls-ciphersuites tls-cipher data-ciphers auth
  allow-compression reneg-sec verify-client-cert username-as-common-name duplicate-cn management-client-auth
  auth-gen-token auth-gen-token-secret user group mlock`.split(/\s+/),
);

/** What clients may be told: how to route, where to ask for names, and to say when they leave. */
const PUSHED = /^(?:redirect-gateway|dhcp-option DNS6?|block-outside-dns|explicit-exit-notify)(?: |$)/;

/** OpenVPN reads this much of a line, without its end, and takes the rest for another line (OPTION_LINE_SIZE in its source). */
const LONGEST_LINE = 254;

interface Directive {
  readonly name: string;
  readonly values: readonly string[];
  readonly line: number;
}

/** Everything in a server's configuration that could log, record or persist, and all that no rule covers. */
function findings(file: ConfigurationFile): Finding[] | undefined {
  if (!FILES.includes(file.name)) return undefined;
  const directives = directivesOf(file.content);
  const directory = `/run/lethe/${file.name.replace('.conf', '')}`;
  const cut = file.content
    .split('\n')
    .flatMap((text, index) =>
      text.length > LONGEST_LINE ? [{ file: file.name, line: index + 1, problem: 'the line is too long' }] : [],
    );
  const wrong = directives.flatMap((directive) => {
    const problem = problemOf(directive, directory);
    return problem === undefined ? [] : [{ file: file.name, line: directive.line, problem }];
  });
  const missing = [...Object.keys(DEMANDED), 'management', 'tmp-dir']
    .filter((name) => !directives.some((directive) => directive.name === name))
    .map((name) => ({ file: file.name, line: 0, problem: `${name} is not set` }));
  return [...cut, ...wrong, ...missing];
}

export const OPENVPN_JUDGE: Judge = {
  files: FILES,
  known: {
    'openvpn-udp': 'directory',
    'openvpn-udp/management.sock': 'socket',
    'openvpn-tcp': 'directory',
    'openvpn-tcp/management.sock': 'socket',
    'keys/tls-crypt.key': 'file',
    'keys/auth-token.key': 'file',
  },
  findings,
};

/** The daemon has a directory of its own, in memory. */
function problemOf({ name, values }: Directive, directory: string): string | undefined {
  const [first = ''] = values;
  if (Object.hasOwn(DEMANDED, name)) {
    return values.length === 1 && first === DEMANDED[name] ? undefined : `${name} must be ${DEMANDED[name]}`;
  }
  if (Object.hasOwn(FORBIDDEN, name)) return `${name} ${FORBIDDEN[name]}`;
  switch (name) {
    case 'management':
      return values.length === 2 && values[1] === 'unix' && first === `${directory}/management.sock`
        ? undefined
        : 'management must be a socket in memory';
    case 'tmp-dir':
      return values.length === 1 && first === directory ? undefined : 'tmp-dir must be in memory';
    case 'push':
      return values.length === 1 && PUSHED.test(first) ? undefined : 'what is pushed is not known to be harmless';
    default:
      return HARMLESS.has(name) ? undefined : 'a directive is not known to keep silent';
  }
}

/** openvpn(8), "Configuration file": a directive a line, quoted values, comments, and blocks of other files in line. */
function directivesOf(content: string): Directive[] {
  return content.split('\n').flatMap((text, index) => {
    if (/^ *[#;]/.test(text)) return [];
    const [name, ...values] = wordsOf(text);
    return name === undefined ? [] : [{ name: name.replace(/^--/, ''), values, line: index + 1 }];
  });
}

/**
 * `push "a b"` has the words `push` and `a b`. What cannot be read is a directive that nobody knows, so that it is not
 * passed over. So is a hash or a semicolon behind the start of a line: OpenVPN takes it for a comment only where a word
 * would begin.
 */
function wordsOf(text: string): string[] {
  if (/[#;]/.test(text)) return [text];
  const words: string[] = [];
  const pattern = / *(?:($)|"((?:[^"\\]|\\.)*)"|'([^']*)'|((?:[^ "'\\]|\\.)+)|(.+))/y;
  for (;;) {
    const [, end, double, single, bare, rest] = pattern.exec(text) as RegExpExecArray;
    if (end !== undefined) return words;
    words.push((double ?? single ?? bare ?? rest ?? '').replaceAll(/\\(.)/g, '$1'));
  }
}
