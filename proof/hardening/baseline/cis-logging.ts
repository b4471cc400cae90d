// SPDX-License-Identifier: AGPL-3.0-or-later
import { SILENT, VERITY } from './common.ts';
import { absent, nothing, numbers, says } from './control.ts';

const AUDIT = [
  ...numbers('CIS 6.2.1', 1, 4),
  ...numbers('CIS 6.2.2', 1, 4),
  ...numbers('CIS 6.2.3', 1, 21),
  ...numbers('CIS 6.2.4', 1, 10),
];

/**
 * CIS, section 6, wants logs and an audit of who did what. This gateway must have neither: what the checks show is that
 * they are not there.
 */
export const CIS_LOGGING = [
  says(
    'CIS 6.1.1.1',
    'the journal does not run',
    'systemctl is-active systemd-journald.service systemd-journald.socket | sort -u',
    /^inactive\n$/,
  ),
  SILENT([...numbers('CIS 6.1.1', 2, 4), ...numbers('CIS 6.1.2', 2, 4)]),
  absent(numbers('CIS 6.1.2.1', 1, 4), 'no journal goes elsewhere', 'systemd-journal-remote', 'systemd-journal-upload'),
  absent(numbers('CIS 6.1.3', 1, 8), 'no other log', 'rsyslogd', 'rsyslog', 'syslog-ng', 'logrotate'),
  nothing('CIS 6.1.4.1', 'no log files', 'ls -A /var/log'),
  absent(AUDIT, 'no audit of who did what', 'auditd', 'auditctl', 'audisp-syslog'),
  VERITY(['CIS 6.3.1', 'CIS 6.3.3'], 'each block of each file is checked before it is used'),
  says(
    'CIS 6.3.2',
    'and again on a schedule',
    'systemctl show -P Requires lethe-attestation; systemctl list-timers --all --no-legend',
    /lethe-integrity\.service[^]* lethe-attestation\.timer +lethe-attestation\.service$/m,
  ),
];
