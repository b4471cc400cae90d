// SPDX-License-Identifier: AGPL-3.0-or-later
import { basename, matchesGlob } from 'node:path';

/** One entry of a root tree. */
export interface TreeEntry {
  /** Without a slash in front: `etc/passwd`. */
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  /** Permission bits, with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a file. */
  content(): Uint8Array;
  /** Of a link. */
  readonly target?: string;
}

/** What must not be in the image. */
export type Absence =
  | 'secret'
  | 'certificate'
  | 'way to log in'
  | 'compiler or interpreter'
  | 'package manager'
  | 'program not on the list'
  | 'setuid'
  | 'unsigned module'
  | 'writable by others'
  | 'trace of the building machine'
  | 'left over'
  | 'special file';

export interface Finding {
  readonly absence: Absence;
  readonly path: string;
}

/** What the rules compare with. */
export interface Expectations {
  /** Names that may be in bin and sbin, as patterns. */
  readonly programs: readonly string[];
  /** Names and addresses of the machine that builds. */
  readonly traces: readonly string[];
  /** Files that take the builder's name or resolver in an ordinary installation, and what they say here instead. */
  readonly settled: Readonly<Record<string, string>>;
}

type Rule = (entry: TreeEntry, expected: Expectations) => boolean;

/** Everything in the tree that the image must not hold; empty for a good one. */
export function findForbidden(tree: Iterable<TreeEntry>, expected: Expectations): Finding[] {
  const found: Finding[] = [];
  for (const entry of tree) {
    for (const [absence, rule] of Object.entries(RULES) as [Absence, Rule][]) {
      if (rule(entry, expected)) found.push({ absence, path: entry.path });
    }
  }
  return found;
}

const RULES: Readonly<Record<Absence, Rule>> = {
  secret: (entry) =>
    entry.kind === 'file' && (SECRET_NAMES.test(entry.path) || (!SELF_TEST.test(entry.path) && holdsSecret(entry))),
  certificate: (entry) =>
    entry.kind === 'file' && !PUBLIC_CERTIFICATES.has(entry.path) && CERTIFICATE.test(text(entry)),
  'way to log in': (entry) => (LOGIN.test(basename(entry.path)) && !isMask(entry)) || opensAccount(entry),
  'compiler or interpreter': (entry) => isProgram(entry) && COMPILER.test(basename(entry.path)),
  'package manager': (entry) => isProgram(entry) && PACKAGER.test(basename(entry.path)),
  'program not on the list': (entry, { programs }) =>
    entry.kind !== 'directory' && BIN.test(entry.path) && !isListed(basename(entry.path), programs),
  setuid: (entry) => entry.kind !== 'link' && (entry.mode & 0o6000) !== 0,
  'unsigned module': (entry) => /\.ko(\.(gz|xz|zst))?$/.test(entry.path) && !isSigned(entry),
  'writable by others': (entry) =>
    entry.kind !== 'link' && (entry.mode & 0o002) !== 0 && !(entry.kind === 'directory' && (entry.mode & 0o1000) !== 0),
  'trace of the building machine': (entry, expected) => betraysBuilder(entry, expected),
  'left over': (entry) => entry.kind !== 'directory' && EMPTY.test(entry.path),
  'special file': (entry) => entry.kind === 'other',
};

/** Whether a list of names and patterns holds a name. */
export function isListed(name: string, list: readonly string[]): boolean {
  return list.some((pattern) => pattern === name || matchesGlob(name, pattern));
}

const SECRET_NAMES =
  /(^|\/)(id_(rsa|dsa|ecdsa|ed25519)|ssh_host_[^/]*|[^/]+\.(key|p12|pfx|jks|keytab|pk8|p8)|random-seed|credential\.secret|\.netrc|\.npmrc|\.pgpass)$/;
/** A key's first line counts only with key material behind it: libraries name these lines too. */
const SECRET_TEXT = [
  /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----\r?\n(?:[A-Za-z-]+: [^\n]*\n)*\r?\n?[A-Za-z0-9+/=]{32}/,
  /-----BEGIN OpenVPN (?:Static key|tls-crypt|auth-token)[^\n]*-----\r?\n[A-Za-z0-9+/=]{16}/,
  /untrusted comment: [^\n]*(?:secret|encrypted) key[^\n]*\n[A-Za-z0-9+/=]{40}/,
  /(?:^|\n)\s*(?:PrivateKey|PresharedKey)\s*=\s*[A-Za-z0-9+/]{43}=/,
  /(?:^|\n)\s*private_key=[0-9a-f]{64}/,
];
/** Carries the published keys of its power-on self-test. */
const SELF_TEST = /^usr\/lib\/x86_64-linux-gnu\/libgnutls\.so\.[0-9.]+$/;
/** Beginnings of keys in DER: PKCS#8 and PKCS#1/SEC 1, after the outer SEQUENCE. */
const DER_KEY = /^30(?:[0-7]\w|81\w\w|82\w{4})0201(?:00(?:30\w{2}06|028[12])|010420)/;

function holdsSecret(entry: TreeEntry): boolean {
  const content = entry.content();
  if (DER_KEY.test(Buffer.from(content.subarray(0, 16)).toString('hex'))) return true;
  const words = text(entry);
  return SECRET_TEXT.some((pattern) => pattern.test(words));
}

const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----\r?\n[A-Za-z0-9+/=]{32}/;
/** Node's list of public authorities; and whom the operator's image trusts, which is public and measured. */
const PUBLIC_CERTIFICATES = new Set(['usr/bin/node', 'usr/lib/lethe/operator.json']);

const LOGIN =
  /^(sshd?|ssh-.*|dropbear|telnetd|in\.(telnetd|rshd|rlogind)|a?getty|[^/]*getty@?\.(service|target)|login|su|sudo|doas|sulogin|runuser|debug-shell\.service|(emergency|rescue)\.(service|target))$/;
const COMPILER =
  /^(x86_64-linux-gnu-)?(gcc|g\+\+|cc|c\+\+|cpp|clang|tcc|as|ld|ld\.(bfd|gold|lld)|make|go|rustc|perl|python|ruby|lua|tclsh|php|gdb|strace|bash|zsh|ksh|busybox)([-.]?[0-9][0-9.]*)?$/;
const PACKAGER = /^(apt|dpkg|aptitude|snap|flatpak|rpm|dnf|yum|apk|pip|pip3|npm|npx|yarn|corepack)(-.*)?$/;
const BIN = /^(usr\/)?(local\/)?s?bin\//;
const EMPTY = /^(boot|dev|proc|run|sys|tmp|var\/(tmp|log|cache)|home|root)\//;

/** A directory of that name, or a unit that is switched off for good. */
function isMask({ kind, target }: TreeEntry): boolean {
  return kind === 'directory' || (kind === 'link' && target === '/dev/null');
}

function isProgram(entry: TreeEntry): boolean {
  return entry.kind === 'link' ? BIN.test(entry.path) : entry.kind === 'file' && (entry.mode & 0o111) !== 0;
}

/** An account with a shell or a password. */
function opensAccount(entry: TreeEntry): boolean {
  const lines = () => text(entry).split('\n').filter(Boolean);
  switch (entry.path) {
    case 'etc/passwd':
      return lines().some((line) => !/^[^:]+:x:.*:\/usr\/sbin\/nologin$/.test(line));
    case 'etc/shadow':
      return lines().some((line) => !/^[^:]+:[!*]+:/.test(line));
    case 'etc/gshadow':
      return lines().some((line) => !/^[^:]+:[!*]*:/.test(line));
    default:
      return false;
  }
}

const MODULE_MARK = '~Module signature appended~\n';

/** Debian's signature ends the file; the kernel checks it, this sees that there is one of a plausible length. */
function isSigned(entry: TreeEntry): boolean {
  const content = Buffer.from(entry.content());
  const marked = content.subarray(-MODULE_MARK.length).toString('latin1') === MODULE_MARK;
  if (!marked || content.length < MODULE_MARK.length + 12) return false;
  const length = content.readUInt32BE(content.length - MODULE_MARK.length - 4);
  return length > 64 && length < 4096;
}

/** Settings may name a machine; of programs only the path where they were made would tell something. */
const SETTINGS = /^(etc|var)\//;
const PROGRAMS = /^usr\/lib\/lethe\//;

function betraysBuilder(entry: TreeEntry, { traces, settled }: Expectations): boolean {
  const ours = settled[entry.path];
  if (ours !== undefined) return (entry.kind === 'link' ? entry.target : text(entry)) !== ours;
  if (entry.kind === 'link') return traces.some((trace) => entry.target?.includes(trace));
  if (entry.kind !== 'file') return false;
  const sought = traces.filter((trace) => (trace.startsWith('/') ? PROGRAMS : SETTINGS).test(entry.path));
  if (sought.length === 0) return false;
  const words = text(entry);
  return sought.some((trace) => wholeWord(words, trace));
}

function wholeWord(words: string, trace: string): boolean {
  for (let at = words.indexOf(trace); at !== -1; at = words.indexOf(trace, at + 1)) {
    const around = `${words[at - 1] ?? ' '}${words[at + trace.length] ?? ' '}`;
    if (!/[A-Za-z0-9]/.test(around)) return true;
  }
  return false;
}

function text(entry: TreeEntry): string {
  return Buffer.from(entry.content()).toString('latin1');
}
