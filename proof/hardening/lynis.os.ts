// SPDX-License-Identifier: AGPL-3.0-or-later
import { appendFileSync, copyFileSync, cpSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../../src/host/processes/process.os.ts';
import { type LynisReport, parseReport } from './lynis.ts';

/** What a booted guest says about its kernel, which a tree cannot know. */
export interface GuestKernel {
  /** Output of `sysctl -a`. */
  readonly settings: string;
  /** Output of `nft list ruleset`. */
  readonly ruleset: string;
}

/** Programs that Lynis cannot do without and the image does not have. They use the image's libraries. */
const TOOLS =
  'basename comm cut dirname egrep expr find gzip hostname mktemp ps sha1sum sha256sum ss tee uniq xargs zgrep';

/** Lynis knows no Lethe; as Debian 12, of which the tree is made, it must pass more tests. */
const DEBIAN = 'ID=debian\nNAME="Debian GNU/Linux"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID=12\n';

/**
 * The tree as a machine of its own: read-only, its own processes, an empty network with the guest's ruleset, the mounts
 * of its fstab, and the guest's kernel settings in the place of this machine's.
 */
const ENTER = `
set -eu
root=$1
hostname gateway
mount --bind "$root" "$root"
mount --bind "$2" "$root/lynis"
mount -o remount,bind,ro,nosuid,nodev "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t sysfs -o ro,nosuid,nodev,noexec sys "$root/sys"
mount -t tmpfs -o nosuid,noexec,mode=0755 dev "$root/dev"
for device in null zero full random urandom; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm"
grep '^tmpfs ' "$root/etc/fstab" | while read -r _ place _ options _; do
  mount -t tmpfs -o "$options" tmpfs "$root$place"
done
mkdir "$root/run/lock"
mount --bind "$root/lynis/os-release" "$root/etc/os-release"
chroot "$root" /usr/sbin/nft --file /lynis/ruleset.nft
mount --bind "$root/lynis/settings" "$root/proc/sys"
exec chroot "$root" /usr/bin/env -i -C /lynis PATH=/lynis/bin:/usr/sbin:/usr/bin LC_ALL=C.UTF-8 HOME=/root \\
  /bin/sh ./lynis audit system --usecwd --no-colors --quiet --profile /lynis/default.prf --logfile /lynis/lynis.log --report-file /lynis/report.dat
`;

/**
 * Runs this machine's Lynis over an unpacked root image, which it leaves as it was but for an empty directory `lynis`.
 * Needs root. What only a running guest shows, its processes, is not there: Lynis finds neither a daemon nor a log.
 */
export async function auditTree(root: string, kernel: GuestKernel, work: string): Promise<LynisReport> {
  const at = (name: string) => join(work, name);
  mkdirSync(at('bin'), { recursive: true });
  mkdirSync(join(root, 'lynis'), { recursive: true });
  copyFileSync('/usr/sbin/lynis', at('lynis'));
  for (const name of ['include', 'db']) cpSync(`/usr/share/lynis/${name}`, at(name), { recursive: true });
  cpSync('/etc/lynis/plugins', at('plugins'), { recursive: true });
  copyFileSync('/etc/lynis/default.prf', at('default.prf'));
  // Otherwise it makes them from the addresses of network cards, and waits long when there are none.
  appendFileSync(at('default.prf'), `\nhostid=${'0'.repeat(40)}\nhostid2=${'0'.repeat(64)}\n`);
  for (const name of TOOLS.split(' ')) copyFileSync(realpathSync(`/usr/bin/${name}`), at(`bin/${name}`));
  // Not what this machine calls awk, which may need libraries of its own.
  copyFileSync('/usr/bin/mawk', at('bin/awk'));
  // The image's reads settings in a way that only the kernel's own files bear.
  copyFileSync('/usr/bin/busybox', at('bin/sysctl'));
  writeFileSync(at('os-release'), DEBIAN);
  writeFileSync(at('ruleset.nft'), kernel.ruleset);
  writeSettings(at('settings'), kernel.settings);
  const unshare = ['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL', '--net', '--ipc', '--uts'];
  await run([...unshare, 'sh', '-c', ENTER, 'sh', root, work]);
  return parseReport(readFileSync(at('report.dat'), 'utf8'));
}

/** `net.ipv4.ip_forward = 1` as a file `net/ipv4/ip_forward`, as the kernel has it below /proc/sys. */
function writeSettings(directory: string, settings: string): void {
  for (const line of settings.split('\n')) {
    const [, name, value] = /^([\w.-]+) = (.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const path = join(directory, ...name.split('.'));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${value}\n`);
  }
}
