// SPDX-License-Identifier: AGPL-3.0-or-later

/** A demand on a Debian server, and how the gateway meets it. */
export type Control = {
  /** Number in the CIS Benchmark for Debian 12 (1.1), or of ANSSI-BP-028 (2.0), and the demand in our words. */
  readonly id: string;
  readonly demand: string;
} & (
  | { readonly command: string; readonly expected: RegExp }
  /** Why it does not concern a machine without a disk, without people and without packages. */
  | { readonly notApplicable: string }
);

/** A kernel setting and the value that it must have in the guest. */
function setting(id: string, name: string, value: number | string): Control {
  const path = `/proc/sys/${name.replaceAll('.', '/')}`;
  return { id, demand: `${name} is ${value}`, command: `cat ${path}`, expected: exactly(value) };
}

function exactly(value: number | string): RegExp {
  return new RegExp(`^${String(value).replaceAll(/[|/.]/g, '\\$&')}\\n$`);
}

/** Mounted apart, and nothing in it is a device, a right, or a program. */
function sealed(id: string, place: string): Control {
  const command = `grep ' ${place} ' /proc/mounts`;
  return { id, demand: `${place}: nodev, nosuid, noexec`, command, expected: /^(?=.*nosuid)(?=.*nodev)(?=.*noexec)/ };
}

/** A command that must say nothing. */
function nothing(id: string, demand: string, command: string): Control {
  return { id, demand, command, expected: /^$/ };
}

const NO_DISK = 'there is no disk; everything lies in memory and is gone at power-off';
const NO_PEOPLE = 'nobody can log in: no shell, no password, no getty, no sshd';

/** A module that cannot be loaded: it is not in the image, or modprobe refuses it. */
function noModule(id: string, module: string): Control {
  const command = `modprobe ${module} 2>/dev/null; grep -c '^${module.replaceAll('-', '_')} ' /proc/modules`;
  return { id, demand: `the module ${module} cannot be loaded`, command, expected: /^0\n$/ };
}

const DAEMONS = 'lethe-agent lethe-charon lethe-resolver lethe-openvpn-udp lethe-openvpn-tcp lethe-wireguard';

export const BASELINE: readonly Control[] = [
  ...['cramfs', 'freevxfs', 'hfs', 'hfsplus', 'jffs2'].map((module, index) =>
    noModule(`CIS 1.1.1.${index + 1}`, module),
  ),
  { id: 'CIS 1.1.1.6', demand: 'no squashfs', notApplicable: 'the root is one, checked by dm-verity' },
  noModule('CIS 1.1.1.7', 'udf'),
  noModule('CIS 1.1.1.8', 'usb-storage'),
  sealed('CIS 1.1.2.1', '/tmp'),
  sealed('CIS 1.1.2.2', '/dev/shm'),
  { id: 'CIS 1.1.2.3', demand: '/home apart', notApplicable: NO_PEOPLE },
  { id: 'CIS 1.1.2.4', demand: '/var apart', notApplicable: 'it is read-only, with the root' },
  sealed('CIS 1.1.2.5', '/var/tmp'),
  { id: 'CIS 1.1.2.6', demand: '/var/log apart', notApplicable: 'it is empty and read-only: nothing logs' },
  sealed('ANSSI R28', '/run'),
  {
    id: 'ANSSI R14',
    demand: 'the root is read-only while programs run',
    command: "grep '^overlay / ' /proc/mounts",
    expected: /^overlay \/ overlay ro,/,
  },
  {
    id: 'CIS 1.2',
    demand: 'updates come from signed repositories',
    notApplicable: 'a new release is a new signed image',
  },
  {
    id: 'CIS 1.3.1',
    demand: 'AppArmor enforces every profile',
    command: 'cat /sys/kernel/security/apparmor/profiles',
    expected: /^(?:lethe-[a-z-]+ \(enforce\)\n)+$/,
  },
  {
    id: 'ANSSI R45',
    demand: 'profiles cannot be changed any more',
    command:
      'cat /sys/module/apparmor/parameters/lock_policy; echo x 2>/dev/null >/sys/kernel/security/apparmor/.remove || echo refused',
    expected: /^Y\n(?:.*\n)*refused\n$/,
  },
  {
    id: 'CIS 1.4',
    demand: 'the boot loader is protected',
    notApplicable: 'there is none: firmware checks one signed file',
  },
  setting('CIS 1.5.1', 'kernel.randomize_va_space', 2),
  setting('CIS 1.5.2', 'kernel.yama.ptrace_scope', 3),
  setting('CIS 1.5.3', 'fs.suid_dumpable', 0),
  setting('CIS 1.5.3', 'kernel.core_pattern', '|/bin/false'),
  nothing(
    'CIS 1.5.3',
    'no daemon may dump its memory',
    `for p in $(systemctl show -P MainPID ${DAEMONS}); do grep 'core file' /proc/$p/limits; done | grep -v ' 0  *0  *bytes'`,
  ),
  { id: 'CIS 1.6', demand: 'banners warn whoever logs in', notApplicable: NO_PEOPLE },
  {
    id: 'CIS 2.1',
    demand: 'no server but those needed',
    command: "cat /proc/net/tcp /proc/net/tcp6 | grep -c ' 0A '",
    expected: /^[1-9]\n$/,
  },
  {
    id: 'CIS 2.3',
    demand: 'time is synchronised',
    notApplicable: "the host's clock is the machine's; certificates live for a day",
  },
  { id: 'CIS 2.4', demand: 'cron is restricted', notApplicable: 'there is no cron' },
  ...['dccp', 'tipc', 'rds', 'sctp'].map((module, index) => noModule(`CIS 3.2.${index + 1}`, module)),
  { id: 'CIS 3.3.1', demand: 'no forwarding', notApplicable: 'forwarding is what a gateway does, behind its ruleset' },
  setting('CIS 3.3.2', 'net.ipv4.conf.all.send_redirects', 0),
  setting('CIS 3.3.3', 'net.ipv4.icmp_ignore_bogus_error_responses', 1),
  setting('CIS 3.3.4', 'net.ipv4.icmp_echo_ignore_broadcasts', 1),
  setting('CIS 3.3.5', 'net.ipv4.conf.all.accept_redirects', 0),
  setting('CIS 3.3.5', 'net.ipv6.conf.all.accept_redirects', 0),
  setting('CIS 3.3.7', 'net.ipv4.conf.all.rp_filter', 1),
  setting('CIS 3.3.8', 'net.ipv4.conf.all.accept_source_route', 0),
  {
    id: 'CIS 3.3.9',
    demand: 'odd packets are logged',
    notApplicable: 'a log of addresses is what this gateway must not have',
  },
  setting('CIS 3.3.10', 'net.ipv4.tcp_syncookies', 1),
  { id: 'CIS 3.3.11', demand: 'no router advertisements', notApplicable: 'IPv6 addresses of the uplink come that way' },
  {
    id: 'CIS 4',
    demand: 'a ruleset drops by default',
    command: 'nft list ruleset',
    expected: /hook input priority filter; policy drop;[^]*hook forward priority filter; policy drop;/,
  },
  { id: 'CIS 5.1', demand: 'sshd is restricted', notApplicable: NO_PEOPLE },
  { id: 'CIS 5.2', demand: 'sudo is restricted', notApplicable: NO_PEOPLE },
  { id: 'CIS 5.3', demand: 'PAM demands good passwords', notApplicable: NO_PEOPLE },
  nothing(
    'CIS 5.4',
    'no account has a password or a shell',
    "grep -v ':!\\*:' /etc/shadow; grep -v ':/usr/sbin/nologin$' /etc/passwd",
  ),
  { id: 'CIS 6.1', demand: 'logs are kept', notApplicable: 'logs are what must not be kept; the journal does not run' },
  nothing(
    'CIS 6.1',
    'nothing takes log messages',
    'ls -d /dev/log /run/log/journal /run/systemd/journal/socket /var/log/journal 2>/dev/null',
  ),
  { id: 'CIS 6.2', demand: 'auditd', notApplicable: 'it would write who did what; denials show in a test' },
  { id: 'CIS 6.3', demand: 'files are checked', notApplicable: 'dm-verity checks every block before it is used' },
  nothing('CIS 7.1', 'no setuid or setgid program', 'find / -xdev -type f -perm +6000 2>/dev/null'),
  nothing('ANSSI R9', 'no swap', 'tail -n +2 /proc/swaps'),
  setting('ANSSI R9', 'kernel.dmesg_restrict', 1),
  setting('ANSSI R9', 'kernel.kptr_restrict', 2),
  setting('ANSSI R9', 'kernel.perf_event_paranoid', 3),
  setting('ANSSI R9', 'kernel.sysrq', 0),
  setting('ANSSI R9', 'kernel.unprivileged_bpf_disabled', 1),
  setting('ANSSI R9', 'kernel.kexec_load_disabled', 1),
  setting('ANSSI R9', 'net.core.bpf_jit_harden', 2),
  setting('ANSSI R9', 'user.max_user_namespaces', 0),
  {
    id: 'ANSSI R8',
    demand: 'the kernel wipes memory, loads signed modules only and is locked down',
    command: 'cat /proc/cmdline /sys/kernel/security/lockdown /sys/module/module/parameters/sig_enforce',
    expected: /init_on_free=1[^]*slab_nomerge[^]*\[confidentiality\]\nY\n$/,
  },
  {
    id: 'ANSSI R10',
    demand: 'no module is loaded later',
    notApplicable: 'only modules that Debian signed can be; charon asks for ciphers by name',
  },
  { id: 'ANSSI R13', demand: 'no IPv6', notApplicable: 'customers get IPv6 where the gateway has it' },
  { id: 'ANSSI R3', demand: 'keys for disks', notApplicable: NO_DISK },
];
