// SPDX-License-Identifier: AGPL-3.0-or-later

/**
 * Kernel settings of a gateway's network: those that belong to a network namespace. Forwarding, strict sources, no
 * memory of flows beyond what NAT needs, and nothing that writes to the kernel log.
 */
export const SYSCTLS: readonly (readonly [key: string, value: number])[] = [
  ['net.ipv4.ip_forward', 1],
  // On even where customers get no IPv6: what they send must reach the rule that rejects it, or they wait for nothing.
  ['net.ipv6.conf.all.forwarding', 1],
  ['net.ipv4.conf.all.rp_filter', 1],
  ['net.ipv4.conf.default.rp_filter', 1],
  ['net.ipv4.conf.all.accept_redirects', 0],
  ['net.ipv4.conf.default.accept_redirects', 0],
  ['net.ipv4.conf.all.send_redirects', 0],
  ['net.ipv4.conf.default.send_redirects', 0],
  ['net.ipv4.conf.all.accept_source_route', 0],
  ['net.ipv6.conf.all.accept_redirects', 0],
  ['net.ipv6.conf.default.accept_redirects', 0],
  ['net.ipv6.conf.all.accept_source_route', 0],
  ['net.ipv4.conf.all.log_martians', 0],
  ['net.ipv4.conf.default.log_martians', 0],
  ['net.ipv4.tcp_no_metrics_save', 1],
  ['net.ipv4.tcp_max_tw_buckets', 0],
  ['net.netfilter.nf_conntrack_acct', 0],
  ['net.netfilter.nf_conntrack_timestamp', 0],
  ['net.netfilter.nf_conntrack_events', 0],
  ['net.netfilter.nf_conntrack_log_invalid', 0],
  ['net.netfilter.nf_conntrack_generic_timeout', 30],
  ['net.netfilter.nf_conntrack_gre_timeout', 30],
  ['net.netfilter.nf_conntrack_gre_timeout_stream', 60],
  ['net.netfilter.nf_conntrack_icmp_timeout', 10],
  ['net.netfilter.nf_conntrack_icmpv6_timeout', 10],
  ['net.netfilter.nf_conntrack_udp_timeout', 10],
  ['net.netfilter.nf_conntrack_udp_timeout_stream', 60],
  // The least that RFC 5382 (REQ-5) allows a NAT: an idle connection of a customer must live so long.
  ['net.netfilter.nf_conntrack_tcp_timeout_established', 7440],
  // What was never answered, and what has stopped being answered: whoever floods can hold the table no longer than this.
  ['net.netfilter.nf_conntrack_tcp_timeout_syn_sent', 10],
  ['net.netfilter.nf_conntrack_tcp_timeout_syn_recv', 10],
  ['net.netfilter.nf_conntrack_tcp_timeout_unacknowledged', 60],
  ['net.netfilter.nf_conntrack_tcp_timeout_max_retrans', 60],
  ['net.netfilter.nf_conntrack_tcp_timeout_fin_wait', 10],
  ['net.netfilter.nf_conntrack_tcp_timeout_close_wait', 10],
  ['net.netfilter.nf_conntrack_tcp_timeout_last_ack', 10],
  ['net.netfilter.nf_conntrack_tcp_timeout_time_wait', 5],
  ['net.netfilter.nf_conntrack_tcp_timeout_close', 5],
];
