// SPDX-License-Identifier: AGPL-3.0-or-later

/** What Lynis 3.0 says of a tree. */
export interface LynisReport {
  /** Hardening index, of 100. */
  readonly index: number;
  /** Number of tests that it carried out. */
  readonly tests: number;
  /** Warnings and suggestions: `TEST-1234 text`. Kernel settings by their names: `KRNL-6000 net.ipv4.conf.all.forwarding` */
  readonly findings: readonly string[];
}

/** The index that was reached, so that nothing is given away again. A trial with a plain Debian, hardened, reached 64. */
export const LYNIS_FLOOR = 70;

/** Reads a report (lynis-report.dat): lines of `key=value`, and `key[]=value|value|…` for lists. */
export function parseReport(text: string): LynisReport {
  const lines = text.split('\n').map((line) => /^([a-z_]+)(?:\[\])?=(.*)$/.exec(line));
  const values = (key: string) => lines.filter((line) => line?.[1] === key).map((line) => line?.[2] ?? '');
  const number = (key: string) => {
    const [value = ''] = values(key);
    if (!/^\d{1,6}$/.test(value)) throw new SyntaxError(`the report names no ${key}`);
    return Number(value);
  };
  const findings = [...values('warning'), ...values('suggestion')]
    .map((value) => value.split('|'))
    .filter(([test]) => test !== 'KRNL-6000')
    .map(([test = '', said = '']) => `${test} ${said}`);
  const settings = values('details').flatMap((value) => {
    const name = /^KRNL-6000\|.*;field:([^;]*);/.exec(value)?.[1];
    return name === undefined ? [] : [`KRNL-6000 ${name}`];
  });
  return { index: number('hardening_index'), tests: number('lynis_tests_done'), findings: [...findings, ...settings] };
}

const NO_PACKAGES = 'there are no packages to look after: a new release is a new signed image';
const NO_LOGINS = 'nobody can log in, so nobody has a password or a session';
const NO_LOGS = 'logs, and accounts of who did what, are what this gateway must not have';
const SEALED_ROOT = 'the root is read-only and in memory; nothing fills it up';
const REFUSED =
  'the module is not in the image, and modprobe.d tells modprobe to refuse it, by /bin/false instead of /bin/true';

/** Each finding of Lynis that stays, and why it does not apply. */
export const LYNIS_ANSWERS: Readonly<Record<string, string>> = {
  'LYNIS This release is more than 4 months old. Check the website or GitHub to see if there is an update available.':
    "Debian's own version, and it asks nobody for another",
  'DEB-0280 Install libpam-tmpdir to set $TMP and $TMPDIR for PAM sessions': NO_LOGINS,
  'DEB-0810 Install apt-listbugs to display a list of critical bugs prior to each APT installation.': NO_PACKAGES,
  'DEB-0811 Install apt-listchanges to display any significant changes prior to any upgrade via APT.': NO_PACKAGES,
  'DEB-0831 Install needrestart, alternatively to debian-goodies, so that you can run needrestart after upgrades to determine which daemons are using old versions of libraries and need restarting.':
    NO_PACKAGES,
  'DEB-0880 Install fail2ban to automatically ban hosts that commit multiple authentication errors.':
    'it would read addresses from logs; the agent answers logins from memory, in microseconds',
  'BOOT-5180 Determine runlevel and services at startup':
    'systemd starts services by targets, and the test looks for runlevels',
  'BOOT-5264 Consider hardening system services':
    'Lynis cannot ask systemd in a tree that has not booted; exposure.ts holds what systemd says in the guest',
  'AUTH-9262 Install a PAM module for password strength testing like pam_cracklib or pam_passwdqc': NO_LOGINS,
  'FILE-6310 To decrease the impact of a full /home file system, place /home on a separate partition': SEALED_ROOT,
  'FILE-6310 To decrease the impact of a full /var file system, place /var on a separate partition': SEALED_ROOT,
  'NAME-4028 Check DNS configuration for the dns domain name':
    'the machine has no name in public: customers know its address',
  'NAME-4404 Add the IP name and FQDN to /etc/hosts for proper name resolving': 'the image knows no gateway by name',
  'PKGS-7398 Install a package audit tool to determine vulnerable packages': NO_PACKAGES,
  'PKGS-7420 Consider using a tool to automatically apply upgrades': NO_PACKAGES,
  "NETW-3200 Determine if protocol 'dccp' is really needed on this system": REFUSED,
  "NETW-3200 Determine if protocol 'sctp' is really needed on this system": REFUSED,
  "NETW-3200 Determine if protocol 'rds' is really needed on this system": REFUSED,
  "NETW-3200 Determine if protocol 'tipc' is really needed on this system": REFUSED,
  'LOGG-2130 Check if any syslog daemon is running and correctly configured.': NO_LOGS,
  'LOGG-2138 klogd is not running, which could lead to missing kernel messages in log files': NO_LOGS,
  'LOGG-2146 Check if log files are properly rotated': NO_LOGS,
  'ACCT-9622 Enable process accounting': NO_LOGS,
  'ACCT-9626 Enable sysstat to collect accounting (no results)': NO_LOGS,
  'ACCT-9628 Enable auditd to collect audit information': NO_LOGS,
  'TIME-3104 Use NTP daemon or NTP client to prevent time issues.':
    "the host's clock is the machine's, and a time server would learn of the gateway",
  'FINT-4350 Install a file integrity tool to monitor changes to critical and sensitive files':
    'dm-verity checks every block before it is used, and lethe-integrity all of them every hour',
  'TOOL-5002 Determine if automation tools are present for system management': 'nobody manages a running gateway',
  'HRDN-7230 Harden the system by installing at least one malware scanner, to perform periodic file system scans':
    'nothing can be installed, and what may be executed is what was signed',
  'KRNL-6000 net.ipv4.conf.all.forwarding': 'forwarding is what a gateway does, behind its ruleset',
  'KRNL-6000 net.ipv4.conf.all.log_martians': NO_LOGS,
  'KRNL-6000 net.ipv4.conf.default.log_martians': NO_LOGS,
};

/** Findings that nothing answers, and answers to what was not found. The age of Lynis is no finding about the tree. */
export function unanswered({ findings }: LynisReport): { readonly open: string[]; readonly idle: string[] } {
  const found = new Set(findings);
  return {
    open: findings.filter((finding) => !Object.hasOwn(LYNIS_ANSWERS, finding)),
    idle: Object.keys(LYNIS_ANSWERS).filter((finding) => !finding.startsWith('LYNIS ') && !found.has(finding)),
  };
}
