// SPDX-License-Identifier: AGPL-3.0-or-later
import { RULESET } from './common.ts';
import { absent, both, noModule, notApplicable, nothing, numbers, says, setting } from './control.ts';

const DROPS = /hook input priority filter; policy drop;[^]*hook forward priority filter; policy drop;/;
/** CIS, sections 3 and 4: the network and its firewall. */
export const CIS_NETWORK = [
  says('CIS 3.1.1', 'IPv6 is on, and known to be', 'cat /sys/module/ipv6/parameters/disable', /^0\n$/),
  nothing(
    'CIS 3.1.2',
    'no wireless',
    'ls -d /sys/class/net/*/wireless /usr/lib/modules/*/kernel/drivers/net/wireless 2>/dev/null',
  ),
  noModule('CIS 3.1.3', 'bluetooth'),
  ...['dccp', 'tipc', 'rds', 'sctp'].map((name, index) => noModule(`CIS 3.2.${index + 1}`, name)),
  notApplicable('CIS 3.3.1', 'no forwarding', 'forwarding is what a gateway does, behind its ruleset'),
  ...both('CIS 3.3.2', 'ipv4', { send_redirects: 0 }),
  setting('CIS 3.3.3', 'net.ipv4.icmp_ignore_bogus_error_responses', 1),
  setting('CIS 3.3.4', 'net.ipv4.icmp_echo_ignore_broadcasts', 1),
  ...both('CIS 3.3.5', 'ipv4', { accept_redirects: 0 }),
  ...both('CIS 3.3.5', 'ipv6', { accept_redirects: 0 }),
  ...both('CIS 3.3.6', 'ipv4', { secure_redirects: 0 }),
  ...both('CIS 3.3.7', 'ipv4', { rp_filter: 1 }),
  ...both('CIS 3.3.8', 'ipv4', { accept_source_route: 0 }),
  ...both('CIS 3.3.8', 'ipv6', { accept_source_route: 0 }),
  ...both('CIS 3.3.9', 'ipv4', { log_martians: 0 }),
  notApplicable('CIS 3.3.9', 'odd packets are logged', 'a log of addresses is what this gateway must not have'),
  setting('CIS 3.3.10', 'net.ipv4.tcp_syncookies', 1),
  ...both('CIS 3.3.11', 'ipv6', { accept_ra: 0 }),
  absent('CIS 4.1.1', 'one firewall: nftables', 'ufw', 'iptables', 'ip6tables', 'firewalld'),
  absent([...numbers('CIS 4.2', 1, 7), 'CIS 4.3.2'], 'ufw is not the firewall', 'ufw'),
  says('CIS 4.3.1', 'nftables is there', '/usr/sbin/nft --version', /^nftables v/),
  noModule('CIS 4.3.3', 'ip_tables', 'ip6_tables'),
  says('CIS 4.3.4', 'a table', RULESET, /^table inet lethe \{/),
  says('CIS 4.3.5', 'chains for what arrives, leaves and passes', RULESET, /hook input[^]*hook forward[^]*hook output/),
  says('CIS 4.3.6', 'the loopback is let through', RULESET, /hook input[^}]*iifname "lo" accept/),
  setting('CIS 4.3.6', 'net.ipv4.conf.all.route_localnet', 0),
  says('CIS 4.3.7', 'answers are let through', RULESET, /hook input[^}]*ct state established,related accept/),
  // What leaves is free: the resolver asks the whole Internet, for customers.
  says('CIS 4.3.8', 'what arrives or passes is dropped unless a rule lets it', RULESET, DROPS),
  says(
    'CIS 4.3.9',
    'the ruleset is a service',
    'systemctl is-active lethe-closed lethe-firewall',
    /^active\nactive\n$/,
  ),
  says('CIS 4.3.10', 'it is there at every boot, from before the network is up', 'cat /etc/lethe/closed.nft', DROPS),
  absent(
    [...numbers('CIS 4.4.1', 1, 3), ...numbers('CIS 4.4.2', 1, 4), ...numbers('CIS 4.4.3', 1, 4)],
    'iptables is not the firewall',
    'iptables',
    'ip6tables',
    'netfilter-persistent',
  ),
];
