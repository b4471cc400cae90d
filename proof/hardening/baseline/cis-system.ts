// SPDX-License-Identifier: AGPL-3.0-or-later

import { ENFORCED, NO_PACKAGES, ROOT_SEALED } from './common.ts';
import { absent, noModule, notApplicable, nothing, numbers, says, sealed, setting, shown } from './control.ts';

const DAEMONS =
  'lethe-agent lethe-charon lethe-resolver lethe-openvpn-udp lethe-openvpn-tcp lethe-wireguard lethe-flows';

/** CIS, section 1: what the machine starts from. */
export const CIS_SYSTEM = [
  ...['cramfs', 'freevxfs', 'hfs', 'hfsplus', 'jffs2'].map((name, index) => noModule(`CIS 1.1.1.${index + 1}`, name)),
  notApplicable('CIS 1.1.1.6', 'no overlayfs', 'the root is one: what a boot writes lies in memory'),
  notApplicable('CIS 1.1.1.7', 'no squashfs', 'the root image is one, checked by dm-verity'),
  noModule('CIS 1.1.1.8', 'udf'),
  noModule('CIS 1.1.1.9', 'usb-storage'),
  says(
    'CIS 1.1.1.10',
    'no file system that the machine does not use',
    'ls /usr/lib/modules/*/kernel/fs',
    /^efivarfs\nisofs\nnls\noverlayfs\nsquashfs\n$/,
  ),
  sealed(numbers('CIS 1.1.2.1', 1, 4), '/tmp'),
  sealed(numbers('CIS 1.1.2.2', 1, 4), '/dev/shm'),
  notApplicable('CIS 1.1.2.3.1', '/home apart', 'nobody has a home; it is empty and read-only'),
  ROOT_SEALED(numbers('CIS 1.1.2.3', 2, 3), '/home: nodev, nosuid, with the root'),
  notApplicable('CIS 1.1.2.4.1', '/var apart', 'it is read-only, with the root'),
  ROOT_SEALED(numbers('CIS 1.1.2.4', 2, 3), '/var: nodev, nosuid, with the root'),
  sealed(numbers('CIS 1.1.2.5', 1, 4), '/var/tmp'),
  notApplicable(['CIS 1.1.2.6.1', 'CIS 1.1.2.6.4'], '/var/log apart', 'it is read-only, with the root'),
  ROOT_SEALED(numbers('CIS 1.1.2.6', 2, 3), '/var/log: nodev, nosuid, with the root'),
  nothing(numbers('CIS 1.1.2.7', 1, 4), 'nothing is audited into /var/log', 'ls -A /var/log'),
  nothing(numbers('CIS 1.2.1', 1, 2), 'no repositories: no packages', NO_PACKAGES),
  notApplicable('CIS 1.2.2.1', 'updates are installed', 'a new release is a new signed image'),
  says('CIS 1.3.1.1', 'AppArmor is there', 'cat /sys/module/apparmor/parameters/enabled', /^Y\n$/),
  says('CIS 1.3.1.2', 'the kernel starts with AppArmor', 'cat /sys/kernel/security/lsm', /\bapparmor\b/),
  ENFORCED(numbers('CIS 1.3.1', 3, 4)),
  shown(
    'CIS 1.4.1',
    'nobody changes how the machine starts: there is no boot loader, and firmware checks one signed file',
    'src/image/build/boot.vm.test.ts',
  ),
  nothing('CIS 1.4.2', "no boot loader's configuration", 'ls -A /boot'),
  setting('CIS 1.5.1', 'kernel.randomize_va_space', 2),
  setting('CIS 1.5.2', 'kernel.yama.ptrace_scope', 3),
  setting('CIS 1.5.3', 'fs.suid_dumpable', 0),
  setting('CIS 1.5.3', 'kernel.core_pattern', '|/bin/false'),
  nothing(
    'CIS 1.5.3',
    'no daemon may dump its memory',
    `for p in $(systemctl show -P MainPID ${DAEMONS}); do grep 'core file' /proc/$p/limits; done | grep -v ' 0  *0  *bytes'`,
  ),
  absent('CIS 1.5.4', 'no prelink', 'prelink'),
  absent('CIS 1.5.5', 'no reports of crashes', 'apport', 'whoopsie', 'coredumpctl'),
  nothing(
    numbers('CIS 1.6', 1, 6),
    'no banners: nobody logs in to read one',
    'ls -d /etc/motd /etc/issue /etc/issue.net /etc/update-motd.d 2>/dev/null',
  ),
  absent(numbers('CIS 1.7', 1, 10), 'no desktop', 'gdm', 'gdm3', 'Xorg', 'Xwayland', 'dconf', 'lightdm'),
];
