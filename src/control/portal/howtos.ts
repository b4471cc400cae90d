// SPDX-License-Identifier: AGPL-3.0-or-later

/** Systems that have a page of their own, in the order they are shown. */
export const SYSTEMS = ['windows', 'macos', 'ios', 'android', 'linux', 'router'] as const;
export type System = (typeof SYSTEMS)[number];

/** What a way to connect takes from the service. */
export type Take = 'openvpn' | 'apple' | 'android' | 'swanctl' | 'windows' | 'wireguard';

/** One way to connect. Text between backquotes is something to type or to look for, shown as code. */
export interface Method {
  readonly title: string;
  readonly take: Take;
  readonly steps: readonly string[];
  readonly caution?: string;
}

export interface HowTo {
  readonly name: string;
  readonly methods: readonly Method[];
}

/** What a system with our authority believes: RFC 5280 §4.2.1.10. */
const APPLE_TRUST =
  'The profile makes the system trust our certificate authority, for websites as well. It can vouch for the names of our gateways and for sites without a name, and for no other.';

const WIREGUARD_HERE = 'Open “WireGuard devices” in your account and add a device. It gives you a `.conf` file.';
const LOGIN = 'Connect, and enter your VPN username and OpenVPN password.';
const IKE_LOGIN = 'Enter your VPN username and IKEv2 password.';

/** The English how-to of each system. */
export const HOWTOS: Readonly<Record<System, HowTo>> = {
  windows: {
    name: 'Windows',
    methods: [
      {
        title: 'WireGuard app',
        take: 'wireguard',
        steps: [
          'Install WireGuard for Windows.',
          WIREGUARD_HERE,
          'Choose “Import tunnel(s) from file”, then “Activate”.',
        ],
      },
      {
        title: 'OpenVPN GUI or OpenVPN Connect',
        take: 'openvpn',
        steps: [
          'Install OpenVPN Community or OpenVPN Connect.',
          'Download a profile and import it in the app. Use TCP only if UDP is blocked.',
          LOGIN,
        ],
      },
      {
        title: 'Built-in IKEv2',
        take: 'windows',
        steps: [
          'Download the CA certificate.',
          'Open PowerShell as administrator, go to the folder of the download, and paste the commands.',
          `Choose the connection in the network menu. ${IKE_LOGIN}`,
        ],
        caution:
          'This way makes Windows trust our certificate authority, for websites as well. It can vouch for the names of our gateways and for sites without a name, and for no other. The other two ways do not ask for that.',
      },
    ],
  },
  macos: {
    name: 'macOS',
    methods: [
      {
        title: 'Built-in IKEv2',
        take: 'apple',
        steps: [
          'Download a configuration profile and open it.',
          'Go to System Settings, General, Device Management, and install it.',
          IKE_LOGIN,
          'Switch the VPN on in System Settings, VPN.',
        ],
        caution: APPLE_TRUST,
      },
      {
        title: 'WireGuard app',
        take: 'wireguard',
        steps: ['Install WireGuard from the App Store.', WIREGUARD_HERE, 'Import the file and activate it.'],
      },
      {
        title: 'Tunnelblick or OpenVPN Connect',
        take: 'openvpn',
        steps: [
          'Install Tunnelblick or OpenVPN Connect.',
          'Download a profile and open it with the app. Use TCP only if UDP is blocked.',
          LOGIN,
        ],
      },
    ],
  },
  ios: {
    name: 'iPhone, iPad',
    methods: [
      {
        title: 'Built-in IKEv2',
        take: 'apple',
        steps: [
          'Open this page in Safari and download a configuration profile.',
          'Open Settings, tap “Profile Downloaded”, and install it.',
          IKE_LOGIN,
          'Switch the VPN on in Settings, VPN.',
        ],
        caution: APPLE_TRUST,
      },
      {
        title: 'WireGuard app',
        take: 'wireguard',
        steps: [
          'Install WireGuard from the App Store.',
          'In the app, tap +, then “Create from scratch”, and copy the public key that it shows. Open “WireGuard devices” in your account and add the key.',
          'Or make the key in “WireGuard devices” (with JavaScript), and import the file or scan the QR code in the app.',
        ],
      },
      {
        title: 'OpenVPN Connect',
        take: 'openvpn',
        steps: [
          'Install OpenVPN Connect from the App Store.',
          'Download a profile and share it to the app. Use TCP only if UDP is blocked.',
          LOGIN,
        ],
      },
    ],
  },
  android: {
    name: 'Android',
    methods: [
      {
        title: 'WireGuard app',
        take: 'wireguard',
        steps: [
          'Install WireGuard from F-Droid or the Play Store.',
          'Open “WireGuard devices” in your account and add a device. It gives you a file, and a QR code if JavaScript is on.',
          'In the app, tap + and import the file or scan the code.',
        ],
      },
      {
        title: 'strongSwan app (IKEv2)',
        take: 'android',
        steps: [
          'Install strongSwan VPN Client from F-Droid or the Play Store.',
          'Download a profile and open it with the app.',
          IKE_LOGIN,
        ],
      },
      {
        title: 'OpenVPN for Android or OpenVPN Connect',
        take: 'openvpn',
        steps: [
          'Install either app from F-Droid or the Play Store.',
          'Download a profile and import it. Use TCP only if UDP is blocked.',
          LOGIN,
        ],
      },
    ],
  },
  linux: {
    name: 'Linux',
    methods: [
      {
        title: 'NetworkManager with OpenVPN',
        take: 'openvpn',
        steps: [
          'Install it: `apt install network-manager-openvpn` on Debian and Ubuntu.',
          'Download a profile (TCP only if UDP is blocked) and run `nmcli connection import type openvpn file FILE.ovpn`',
          'Choose the connection in the network menu, and enter your VPN username and OpenVPN password.',
        ],
        caution: 'Plain `openvpn --config` works too, but does not set the name server. NetworkManager does.',
      },
      {
        title: 'WireGuard',
        take: 'wireguard',
        steps: [
          'Install it: `apt install wireguard-tools openresolv`',
          WIREGUARD_HERE,
          'Run `nmcli connection import type wireguard file FILE.conf`, or `wg-quick up ./FILE.conf` without NetworkManager.',
        ],
      },
      {
        title: 'strongSwan (IKEv2)',
        take: 'swanctl',
        steps: [
          'Install it: `apt install strongswan-swanctl charon-systemd libcharon-extauth-plugins`',
          'Put the configuration into `/etc/swanctl/conf.d` and the CA certificate into `/etc/swanctl/x509ca`.',
          'Write your VPN username and IKEv2 password into the configuration.',
          'Run `swanctl --load-all`, then `swanctl --initiate --child NAME` with a name from the file.',
        ],
      },
    ],
  },
  router: {
    name: 'Routers',
    methods: [
      {
        title: 'WireGuard (OpenWrt, OPNsense, FRITZ!Box and others)',
        take: 'wireguard',
        steps: [
          WIREGUARD_HERE,
          'Import the file in the router’s VPN page. Everything behind the router then counts as one connection.',
        ],
      },
      {
        title: 'OpenVPN (OpenWrt, OPNsense, pfSense and others)',
        take: 'openvpn',
        steps: ['Download a profile and import it as an OpenVPN client. Use TCP only if UDP is blocked.', LOGIN],
      },
    ],
  },
};
