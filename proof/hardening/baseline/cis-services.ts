// SPDX-License-Identifier: AGPL-3.0-or-later
import { LISTENERS, LISTENING } from './common.ts';
import { absent, notApplicable, nothing, numbers, says } from './control.ts';

/** CIS, section 2: services that a server offers and uses. */
export const CIS_SERVICES = [
  absent('CIS 2.1.1', 'nothing is mounted by itself', 'autofs', 'automount'),
  absent('CIS 2.1.2', 'no announcements', 'avahi-daemon'),
  absent('CIS 2.1.3', 'no DHCP server', 'dhcpd', 'isc-dhcp-server', 'kea-dhcp4'),
  says(
    'CIS 2.1.4',
    'names are answered inside the tunnels alone',
    "cat /proc/net/tcp /proc/net/udp /proc/net/tcp6 /proc/net/udp6 | grep -o ' [0-9A-F]*:0035 ' | sort -u",
    // 10.65.0.1 and fd6c:6574:6865:ff::1, as the kernel writes them.
    /^ 0100410A:0035 \n(?: 74656CFDFF0065680000000001000000:0035 \n)?$/,
  ),
  absent('CIS 2.1.5', 'no dnsmasq', 'dnsmasq'),
  absent('CIS 2.1.6', 'no FTP server', 'vsftpd', 'proftpd', 'ftpd'),
  absent('CIS 2.1.7', 'no directory server', 'slapd'),
  absent('CIS 2.1.8', 'no mailboxes', 'dovecot'),
  absent('CIS 2.1.9', 'no network file system', 'nfs-server', 'rpc.nfsd', 'nfsd'),
  absent('CIS 2.1.10', 'no NIS server', 'ypserv'),
  absent('CIS 2.1.11', 'no printers', 'cups', 'cupsd'),
  absent('CIS 2.1.12', 'no port mapper', 'rpcbind'),
  absent('CIS 2.1.13', 'no rsync', 'rsync'),
  absent('CIS 2.1.14', 'no Windows shares', 'smbd', 'smb'),
  absent('CIS 2.1.15', 'no SNMP', 'snmpd'),
  absent('CIS 2.1.16', 'no TFTP server', 'in.tftpd', 'tftpd-hpa'),
  absent('CIS 2.1.17', 'no web proxy', 'squid'),
  absent('CIS 2.1.18', 'no web server', 'apache2', 'nginx', 'httpd'),
  absent('CIS 2.1.19', 'no service that starts others', 'xinetd', 'inetd'),
  absent('CIS 2.1.20', 'no window system', 'Xorg', 'X'),
  absent('CIS 2.1.21', 'no mail', 'sendmail', 'exim4', 'postfix', 'master'),
  says('CIS 2.1.22', 'what listens is what must', LISTENERS, LISTENING),
  absent('CIS 2.2.1', 'no NIS client', 'ypbind', 'ypcat'),
  absent('CIS 2.2.2', 'no rsh', 'rsh', 'rlogin', 'rcp'),
  absent('CIS 2.2.3', 'no talk', 'talk', 'ntalk'),
  absent('CIS 2.2.4', 'no telnet', 'telnet', 'inetutils-telnet'),
  absent('CIS 2.2.5', 'no directory client', 'ldapsearch', 'ldapadd'),
  absent('CIS 2.2.6', 'no FTP client', 'ftp', 'tnftp'),
  notApplicable(
    'CIS 2.3.1.1',
    'one program keeps the clock',
    "the host's clock is the machine's, and a time server would learn of the gateway",
  ),
  absent(numbers('CIS 2.3.2', 1, 2), 'timesyncd asks nobody', 'systemd-timesyncd', 'timedatectl'),
  absent(numbers('CIS 2.3.3', 1, 3), 'chrony asks nobody', 'chronyd', 'chrony'),
  absent('CIS 2.4.1.1', 'nothing runs by the clock but what systemd is told', 'cron', 'crond', 'anacron'),
  nothing(numbers('CIS 2.4.1', 2, 8), 'no tables of cron', 'ls -d /etc/cron* /var/spool/cron 2>/dev/null'),
  absent('CIS 2.4.2.1', 'no at', 'at', 'atd'),
];
