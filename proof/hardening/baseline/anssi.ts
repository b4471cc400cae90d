// SPDX-License-Identifier: AGPL-3.0-or-later
import {
  ALL_ROOTS,
  ENFORCED,
  LISTENERS,
  LISTENING,
  LOCKED,
  NO_PACKAGES,
  NO_PAM,
  NO_SETUID,
  ROOT_SEALED,
  SILENT,
  UMASK,
  VERITY,
  WRITABLE,
} from './common.ts';
import {
  absent,
  both,
  type Control,
  notApplicable,
  nothing,
  says,
  sealed,
  setting,
  settings,
  shown,
} from './control.ts';

function each(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => `ANSSI R${first + index}`);
}

const BOOT = 'src/image/build/boot.vm.test.ts';
const GUEST = 'proof/hardening/guest.vm.test.ts';
const TREE = 'src/image/build/tree.vm.test.ts';
const KERNEL = 'proof/hardening/kernel.vm.test.ts';
const NO_SELINUX = 'AppArmor confines here: docs/decisions/0007';

/** ANSSI-BP-028, R1 to R29: machine, kernel, file systems. */
const MACHINE: readonly Control[] = [
  says('ANSSI R1', 'a 64-bit machine', 'uname -m', /^x86_64\n$/),
  notApplicable('ANSSI R2', 'the firmware is configured', "it is the host's; the activator is shown what it measured"),
  shown('ANSSI R3', 'Secure Boot', BOOT),
  shown('ANSSI R4', "the operator's own keys for it", BOOT),
  notApplicable('ANSSI R5', 'a password for the boot loader', 'there is none: firmware starts one signed file'),
  shown('ANSSI R6', 'the command line of the kernel is signed', BOOT),
  notApplicable('ANSSI R7', 'an IOMMU is forced', "the kernel is Debian's for virtual machines, which have none"),
  says(
    'ANSSI R8',
    'the kernel wipes memory, mixes it, loads signed modules only and is locked down',
    'cat /proc/cmdline /sys/kernel/security/lockdown /sys/module/module/parameters/sig_enforce',
    /init_on_alloc=1 init_on_free=1 slab_nomerge page_alloc\.shuffle=1[^]*\[confidentiality\]\nY\n$/,
  ),
  nothing(
    'ANSSI R8',
    'no flaw of the processor is open',
    'grep -l Vulnerable /sys/devices/system/cpu/vulnerabilities/*',
  ),
  setting('ANSSI R8', 'vm.mmap_min_addr', 65_536),
  ...settings('ANSSI R9', {
    'kernel.dmesg_restrict': 1,
    'kernel.kptr_restrict': 2,
    'kernel.pid_max': 65_536,
    'kernel.perf_cpu_time_max_percent': 1,
    'kernel.perf_event_max_sample_rate': 1,
    'kernel.perf_event_paranoid': 3,
    'kernel.randomize_va_space': 2,
    'kernel.sysrq': 0,
    'kernel.unprivileged_bpf_disabled': 1,
    'kernel.panic_on_oops': 1,
    'kernel.kexec_load_disabled': 1,
    'user.max_user_namespaces': 0,
  }),
  nothing('ANSSI R9', 'no swap', 'tail -n +2 /proc/swaps'),
  setting('ANSSI R10', 'kernel.modules_disabled', 1),
  setting('ANSSI R11', 'kernel.yama.ptrace_scope', 3),
  ...settings('ANSSI R12', {
    'net.core.bpf_jit_harden': 2,
    'net.ipv4.conf.all.accept_local': 0,
    'net.ipv4.conf.all.route_localnet': 0,
    'net.ipv4.icmp_ignore_bogus_error_responses': 1,
    'net.ipv4.ip_local_port_range': '32768 65535',
    'net.ipv4.tcp_rfc1337': 1,
    'net.ipv4.tcp_syncookies': 1,
  }),
  ...both('ANSSI R12', 'ipv4', {
    accept_redirects: 0,
    accept_source_route: 0,
    rp_filter: 1,
    secure_redirects: 0,
    send_redirects: 0,
    shared_media: 0,
  }),
  notApplicable('ANSSI R12', 'no forwarding', 'forwarding is what a gateway does, behind its ruleset'),
  notApplicable('ANSSI R12', 'strict ARP', "clouds give addresses whose router is in no network of the machine's"),
  ...both('ANSSI R13', 'ipv6', {
    accept_ra: 0,
    accept_ra_defrtr: 0,
    accept_ra_pinfo: 0,
    accept_ra_rtr_pref: 0,
    accept_redirects: 0,
    accept_source_route: 0,
    autoconf: 0,
    max_addresses: 1,
    router_solicitations: 0,
  }),
  ...settings('ANSSI R14', {
    'fs.suid_dumpable': 0,
    'fs.protected_fifos': 2,
    'fs.protected_regular': 2,
    'fs.protected_symlinks': 1,
    'fs.protected_hardlinks': 1,
  }),
  ROOT_SEALED('ANSSI R14', 'the root is read-only while programs run'),
  shown([...each(15, 23), 'ANSSI R25'], 'what the kernel was compiled with', KERNEL),
  notApplicable(['ANSSI R24', 'ANSSI R26', 'ANSSI R27'], 'other processors', 'the image is for x86-64'),
  ...['/run', '/tmp', '/var/tmp', '/dev/shm'].map((place) => sealed('ANSSI R28', place)),
  nothing('ANSSI R29', '/boot shows nothing', 'ls -A /boot'),
];

/** ANSSI-BP-028, R30 to R57: accounts, access, files. */
const ACCESS: readonly Control[] = [
  nothing(each(30, 31), 'no account has a password or a shell', LOCKED),
  notApplicable(each(32, 33), 'sessions end, administrators have accounts', 'nobody can log in'),
  nothing('ANSSI R34', 'no account of a service can log in', LOCKED),
  shown('ANSSI R35', 'an account for each service', GUEST),
  UMASK('ANSSI R36'),
  ENFORCED('ANSSI R37'),
  absent(each(38, 44), 'nobody becomes root by sudo', 'sudo', 'sudoedit', 'doas'),
  says(
    'ANSSI R45',
    'profiles cannot be changed any more',
    'cat /sys/module/apparmor/parameters/lock_policy; echo x 2>/dev/null >/sys/kernel/security/apparmor/.remove || echo refused',
    /^Y\n(?:.*\n)*refused\n$/,
  ),
  notApplicable(each(46, 49), 'SELinux', NO_SELINUX),
  says(
    'ANSSI R50',
    'keys are read by whom they are for',
    "stat -c '%a' /run/lethe/keys/*.key /run/lethe/keys/*.token /run/lethe/keys/*.secret | sort -u",
    /^(?:440\n)?(?:600\n)?(?:640\n)?$/,
  ),
  shown('ANSSI R51', 'no secret is there from the beginning', TREE),
  says(
    'ANSSI R52',
    'sockets lie where only their maker and the agent may enter',
    'cd /run/lethe && stat -c %a openvpn-udp openvpn-tcp charon resolver',
    /^(?:2750\n){4}$/,
  ),
  says('ANSSI R53', "every file is root's", ALL_ROOTS, /^0:0\n$/),
  nothing('ANSSI R54', 'nothing that everybody may write', WRITABLE),
  says(
    'ANSSI R55',
    'a directory for temporary files for each',
    'systemctl show -P PrivateTmp lethe-agent lethe-charon lethe-resolver lethe-openvpn-udp lethe-openvpn-tcp lethe-wireguard lethe-flows',
    /^(?:yes\n\n?){7}$/,
  ),
  nothing(each(56, 57), 'no setuid or setgid program', NO_SETUID),
];

/** ANSSI-BP-028, R58 to R80: packages, services, logs, seals. */
const SERVICES: readonly Control[] = [
  shown('ANSSI R58', 'no program that is not on a list', TREE),
  nothing(each(59, 60), 'no repositories: no packages', NO_PACKAGES),
  notApplicable('ANSSI R61', 'updates are installed', 'a new release is a new signed image'),
  says(
    'ANSSI R62',
    'no service that is not needed',
    // The probe is the test's own.
    'systemctl list-units --type=service --state=running --no-legend --plain | grep -o "^[^ ]*" | grep -v "^probe" | sort',
    /^lethe-agent\.service\nlethe-charon\.service\nlethe-flows\.service\nlethe-openvpn-tcp\.service\nlethe-openvpn-udp\.service\nlethe-resolver\.service\n(?:lethe-wireguard\.service\n)?systemd-networkd\.service\nsystemd-udevd\.service\n$/,
  ),
  shown('ANSSI R63', "services' configuration is the least", GUEST),
  shown(each(64, 65), 'a service may do what it must, and is apart from others', GUEST),
  notApplicable('ANSSI R66', 'virtual machines are hardened', 'the gateway hosts none'),
  nothing(each(67, 68), 'PAM asks nobody for a password: it is not configured', NO_PAM),
  says(
    'ANSSI R69',
    'users are in files, in no directory',
    "grep -E '^(passwd|group|shadow|netgroup)' /etc/nsswitch.conf",
    /^passwd: files\ngroup: files\nshadow: files\n$/,
  ),
  notApplicable('ANSSI R70', 'administrators of directories are others', 'there is no directory'),
  SILENT(each(71, 72)),
  absent('ANSSI R73', 'no audit of who did what', 'auditd', 'auditctl'),
  absent(each(74, 75), 'no mail', 'sendmail', 'exim4', 'postfix', 'newaliases'),
  VERITY(each(76, 77), 'each block is checked against a hash that the signed file holds'),
  shown(each(78, 79), 'services that the network reaches are apart and confined', GUEST),
  says('ANSSI R80', 'what listens is what must', LISTENERS, LISTENING),
];

export const ANSSI: readonly Control[] = [...MACHINE, ...ACCESS, ...SERVICES];
