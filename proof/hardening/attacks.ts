// SPDX-License-Identifier: AGPL-3.0-or-later

/** What a daemon that somebody has taken over would do next, as root: reading another's key, writing, running a shell. */
export interface Attack {
  readonly name: string;
  /** The profile that stops it. */
  readonly profile: string;
  /** One program with its arguments; nothing else is executed under the profile. */
  readonly command: string;
  /** Whether it worked, from what was said. */
  readonly succeeded: RegExp;
  /** Run unconfined before and after; its output counts too. */
  readonly look?: string;
}

const KEYS = '/run/lethe/keys';
const OPENVPN = '/usr/sbin/openvpn';
/** A tunnel to nowhere, which opens no device. */
const NOWHERE = '--dev null --ifconfig-noexec --nobind --remote 127.0.0.1 9 --verb 1';

/** Node, saying `worked` if this line of JavaScript does not throw. */
function node(line: string): string {
  return `/usr/bin/node -e "${line}; console.log('wor' + 'ked')"`;
}

/** Whether a file was made; it is removed at once. */
function made(path: string): string {
  return `test -e ${path} && echo it is there; rm -f ${path}`;
}

/** Every one of them works without its profile (the test shows it), for all of them run as root. */
export const ATTACKS: readonly Attack[] = [
  {
    name: 'OpenVPN reads the WireGuard key',
    profile: 'lethe-openvpn-udp',
    command: `${OPENVPN} --config ${KEYS}/wireguard.key`,
    succeeded: /Unrecognized option|unknown option|Options error: (?!.*opening)/i,
  },
  {
    name: "OpenVPN reads the agent's token",
    profile: 'lethe-openvpn-tcp',
    command: `${OPENVPN} --config ${KEYS}/agent.token`,
    succeeded: /Unrecognized option|unknown option|Options error: (?!.*opening)/i,
  },
  {
    name: 'OpenVPN writes a file',
    profile: 'lethe-openvpn-udp',
    command: `${OPENVPN} --genkey secret /tmp/taken`,
    look: made('/tmp/taken'),
    succeeded: /it is there/,
  },
  {
    name: 'OpenVPN runs a program',
    profile: 'lethe-openvpn-tcp',
    command: `timeout 10 ${OPENVPN} ${NOWHERE} --script-security 2 --up '/usr/bin/touch /tmp/ran'`,
    look: made('/tmp/ran'),
    succeeded: /it is there/,
  },
  {
    name: "unbound reads the server's key",
    profile: 'lethe-resolver',
    command: `/usr/sbin/unbound -d -c ${KEYS}/server.key`,
    succeeded: /unknown keyword/,
  },
  {
    name: 'unbound reads the RADIUS secret',
    profile: 'lethe-resolver',
    command: `/usr/sbin/unbound -d -c ${KEYS}/radius.secret`,
    succeeded: /unknown keyword/,
  },
  {
    name: 'swanctl reads the key of tls-crypt',
    profile: 'lethe-swanctl',
    command: `env STRONGSWAN_CONF=${KEYS}/tls-crypt.key /usr/sbin/swanctl --version`,
    succeeded: /syntax error|unexpected/i,
  },
  {
    name: 'charon reads the key of tls-crypt',
    profile: 'lethe-charon',
    command: `env STRONGSWAN_CONF=${KEYS}/tls-crypt.key /usr/lib/ipsec/charon`,
    succeeded: /syntax error|unexpected/i,
  },
  {
    name: "wg reads the server's key",
    profile: 'lethe-wireguard-link',
    command: `/usr/bin/wg set wg0 private-key ${KEYS}/server.key`,
    succeeded: /trailing character|not the correct length/,
  },
  {
    name: "nft reads the server's key",
    profile: 'lethe-firewall',
    command: `/usr/sbin/nft --check --file ${KEYS}/server.key`,
    succeeded: /syntax error|unexpected/i,
  },
  {
    name: 'the firewall changes the kernel',
    profile: 'lethe-firewall',
    command: '/usr/sbin/sysctl -w kernel.sysrq=1',
    look: 'cat /proc/sys/kernel/sysrq; echo 0 >/proc/sys/kernel/sysrq',
    succeeded: /^1$/m,
  },
  {
    name: "the agent reads the server's key",
    profile: 'lethe-agent',
    command: node(`require('fs').readFileSync('${KEYS}/server.key')`),
    succeeded: /worked/,
  },
  {
    name: 'the agent writes a file',
    profile: 'lethe-agent',
    command: node(`require('fs').writeFileSync('/tmp/taken', '')`),
    succeeded: /worked/,
  },
  {
    name: 'the agent runs a shell',
    profile: 'lethe-agent',
    command: node(`if (require('child_process').spawnSync('/usr/bin/sh', ['-c', 'true']).status !== 0) throw 0`),
    succeeded: /worked/,
  },
  {
    name: 'the activation runs a shell',
    profile: 'lethe-activation',
    command: node(`if (require('child_process').spawnSync('/usr/bin/sh', ['-c', 'true']).status !== 0) throw 0`),
    succeeded: /worked/,
  },
  {
    name: 'what forgets flows starts as something else',
    profile: 'lethe-flows',
    command: '/usr/bin/cat /etc/os-release',
    succeeded: /ID=lethe/,
  },
  {
    name: 'the WireGuard bridge starts as something else',
    profile: 'lethe-wireguard',
    command: '/usr/bin/cat /etc/os-release',
    succeeded: /ID=lethe/,
  },
];

/** The line of shell that carries out an attack, under its profile or not, and looks whether it worked. */
export function attackLine({ profile, command, look }: Attack, confined: boolean): string {
  const program = command.replace(/^timeout \d+ |^env \S+ /, '');
  const before = command.slice(0, command.length - program.length);
  const setting = /^env (\S+) /.exec(before)?.[1];
  const limit = /^timeout (\d+) /.exec(before)?.[1] ?? '60';
  const onExec = confined ? `printf 'exec ${profile}' >/proc/self/attr/apparmor/exec && ` : '';
  const started = `( ${setting === undefined ? '' : `export ${setting}; `}${onExec}exec ${program} ) </dev/null & program=$!`;
  const wait = `( sleep ${limit}; kill -9 $program ) 2>/dev/null & clock=$!; wait $program; kill $clock`;
  return `${started}; ${wait}; ${look ?? 'true'}; true`;
}
