// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Control, nothing, says } from './control.ts';

/** Demands that both standards make. */

export const NO_PACKAGES =
  'ls -d /etc/apt /usr/bin/apt* /usr/bin/dpkg* /var/lib/apt /var/lib/dpkg /usr/lib/apt /usr/lib/dpkg 2>/dev/null';

export const NO_SETUID = 'find / -xdev -type f -perm +6000';
export const ALL_ROOTS = 'find / -xdev -exec stat -c %u:%g {} + | sort -u';
/** Files that everybody may write, and directories where everybody may delete another's. */
export const WRITABLE = 'find / -xdev -type f -perm -0002; find / /run /tmp -xdev -type d -perm -0002 ! -perm -1000';
export const LOCKED = "grep -v ':!\\*:' /etc/shadow; grep -v ':/usr/sbin/nologin$' /etc/passwd";
export const NO_PAM = 'ls -d /etc/pam.d /etc/pam.conf /etc/security /usr/lib/x86_64-linux-gnu/security 2>/dev/null';
/** Where log messages would go. */
export const NO_LOG =
  'ls -d /dev/log /run/log/journal /run/systemd/journal/socket /run/systemd/journal/dev-log /var/log/journal 2>/dev/null';
export const RULESET = '/usr/sbin/nft list ruleset';
/** Ports with a listener, in hexadecimal: DNS, OpenVPN over TCP, and the agent. */
export const LISTENERS = "cat /proc/net/tcp /proc/net/tcp6 | grep -o ':[0-9A-F]* 0*:0000 0A ' | sort -u";
export const LISTENING = /^(?::(?:0035|01BB|20F8) 0+:0000 0A \n)+$/;

export function ENFORCED(ids: string | readonly string[]): Control {
  const command = 'cat /sys/kernel/security/apparmor/profiles';
  return says(ids, 'AppArmor enforces every profile', command, /^(?:lethe-[a-z-]+ \(enforce\)\n){12,}$/);
}

export function ROOT_SEALED(ids: string | readonly string[], demand: string): Control {
  return says(ids, demand, "grep '^overlay / ' /proc/mounts", /^overlay \/ overlay ro,nosuid,nodev,/);
}

export function VERITY(ids: string | readonly string[], demand: string): Control {
  return says(
    ids,
    demand,
    'cat /sys/block/dm-0/dm/uuid /proc/cmdline',
    /^CRYPT-VERITY-[^]*lethe\.roothash=[0-9a-f]{64}/,
  );
}

export function UMASK(ids: string | readonly string[]): Control {
  const command = 'systemctl show -P UMask lethe-agent lethe-charon lethe-resolver lethe-openvpn-udp lethe-openvpn-tcp';
  return says(ids, 'what a daemon makes is its own', command, /^(?:0077\n\n?){5}$/);
}

export function SILENT(ids: string | readonly string[]): Control {
  return nothing(ids, 'nothing takes log messages, for logs are what must not be kept', NO_LOG);
}
