// SPDX-License-Identifier: AGPL-3.0-or-later
import { ALL_ROOTS, LOCKED, NO_PAM, NO_SETUID, UMASK, WRITABLE } from './common.ts';
import { absent, notApplicable, nothing, numbers, says } from './control.ts';

const PAM = [
  ...numbers('CIS 5.3.1', 1, 3),
  ...numbers('CIS 5.3.2', 1, 4),
  ...numbers('CIS 5.3.3.1', 1, 3),
  ...numbers('CIS 5.3.3.2', 1, 8),
  ...numbers('CIS 5.3.3.3', 1, 3),
  ...numbers('CIS 5.3.3.4', 1, 4),
];

/** CIS, sections 5 and 7: who may come in, and whose the files are. */
export const CIS_PEOPLE = [
  absent(numbers('CIS 5.1', 1, 22), 'sshd lets nobody in: there is none', 'sshd', 'ssh', 'dropbear'),
  absent(numbers('CIS 5.2', 1, 6), 'nobody becomes root by sudo', 'sudo', 'doas', 'pkexec'),
  absent('CIS 5.2.7', 'nobody becomes root by su', 'su', 'runuser', 'sulogin', 'login'),
  nothing(PAM, 'PAM asks nobody for a password: it is not configured', NO_PAM),
  nothing(numbers('CIS 5.4.1', 1, 5), 'no account has a password that could age', LOCKED),
  says('CIS 5.4.1.6', 'passwords were last changed in the past', 'cut -d: -f3 /etc/shadow | sort -u', /^20000\n$/),
  says('CIS 5.4.2.1', 'root alone is user 0', "grep '^[^:]*:[^:]*:0:' /etc/passwd", /^root:.*\n$/),
  says('CIS 5.4.2.2', 'root alone is in group 0', "grep '^[^:]*:[^:]*:[^:]*:0:' /etc/passwd", /^root:.*\n$/),
  says('CIS 5.4.2.3', 'one group 0', "grep '^[^:]*:[^:]*:0:' /etc/group", /^root:x:0:\n$/),
  says('CIS 5.4.2.4', 'root cannot log in', "grep '^root:' /etc/shadow", /^root:!\*:/),
  says(
    'CIS 5.4.2.5',
    "root's programs are root's",
    'for d in /usr/sbin /usr/bin /sbin /bin /usr/lib/lethe; do stat -L -c "%u %g %a" $d; done | sort -u',
    /^0 0 755\n$/,
  ),
  notApplicable('CIS 5.4.2.6', "root's umask", 'root has no shell'),
  nothing(numbers('CIS 5.4.2', 7, 8), 'no account has a password or a shell', LOCKED),
  nothing('CIS 5.4.3.1', 'no list of shells', 'ls -d /etc/shells 2>/dev/null'),
  notApplicable('CIS 5.4.3.2', 'idle shells end', 'nobody has a shell'),
  UMASK('CIS 5.4.3.3'),
  ...['passwd', 'group'].map((name, index) =>
    says(`CIS 7.1.${2 * index + 1}`, `${name} is root's`, `stat -c '%a %u %g' /etc/${name}`, /^644 0 0\n$/),
  ),
  ...['shadow', 'gshadow'].map((name, index) =>
    says(`CIS 7.1.${2 * index + 5}`, `${name} is root's alone`, `stat -c '%a %u %g' /etc/${name}`, /^600 0 0\n$/),
  ),
  nothing(
    ['CIS 7.1.2', 'CIS 7.1.4', 'CIS 7.1.6', 'CIS 7.1.8'],
    'no earlier versions of the account files',
    'ls -d /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- 2>/dev/null',
  ),
  nothing(
    numbers('CIS 7.1', 9, 10),
    'no shells, no old passwords',
    'ls -d /etc/shells /etc/security/opasswd 2>/dev/null',
  ),
  nothing('CIS 7.1.11', 'nothing that everybody may write', WRITABLE),
  says('CIS 7.1.12', "every file is root's", ALL_ROOTS, /^0:0\n$/),
  nothing('CIS 7.1.13', 'no setuid or setgid program', NO_SETUID),
  nothing(numbers('CIS 7.2', 1, 2), 'no account has a password', LOCKED),
  nothing(
    'CIS 7.2.3',
    'every group of an account exists',
    'for g in $(cut -d: -f4 /etc/passwd); do grep -q "^[^:]*:x:$g:" /etc/group || echo $g; done',
  ),
  says('CIS 7.2.4', 'nobody is in the group shadow', "grep '^shadow:' /etc/group", /^shadow:x:42:\n$/),
  nothing('CIS 7.2.5', 'no two users of a number', 'cut -d: -f3 /etc/passwd | sort | uniq -d'),
  nothing('CIS 7.2.6', 'no two groups of a number', 'cut -d: -f3 /etc/group | sort | uniq -d'),
  nothing('CIS 7.2.7', 'no two users of a name', 'cut -d: -f1 /etc/passwd | sort | uniq -d'),
  nothing('CIS 7.2.8', 'no two groups of a name', 'cut -d: -f1 /etc/group | sort | uniq -d'),
  nothing(
    numbers('CIS 7.2', 9, 10),
    'nobody has a home, and nothing is in one',
    'ls -A /root /home | grep -v "^/\\|^$"',
  ),
];
