// SPDX-License-Identifier: AGPL-3.0-or-later
import { APPS, type App } from './apps.ts';

/** Systems that have a page of their own, in the order they are shown. */
export const SYSTEMS = ['windows', 'macos', 'ios', 'android', 'linux', 'router'] as const;
export type System = (typeof SYSTEMS)[number];

/** What a way to connect takes from the service. */
export type Take = 'openvpn' | 'apple' | 'android' | 'swanctl' | 'windows' | 'wireguard';

/** One way to connect. Text between backquotes is something to type or to look for, shown as code. */
export interface Method {
  readonly title: string;
  readonly take: Take;
  /** Where its makers hand the app out; none where the system brings it. */
  readonly apps: readonly App[];
  readonly steps: readonly string[];
  /** What the device does when the tunnel drops, and how to keep it from going on in the open. */
  readonly drops: string;
  readonly caution?: string;
}

export interface HowTo {
  readonly name: string;
  readonly methods: readonly Method[];
}

/** What a system with our authority believes: RFC 5280 §4.2.1.10. */
const APPLE_TRUST =
  'The profile makes the system trust our certificate authority, for websites as well. It can vouch for the names of our gateways and for sites without a name, and for no other.';
const APPLE_DROPS =
  'traffic goes past the tunnel until it is back. Switch on “Connect On Demand” in the details of the VPN, and the system connects again by itself.';

const WIREGUARD_HERE = 'Open “WireGuard devices” in your account and add a device. It gives you a `.conf` file.';
const LOGIN = 'Connect, and enter your VPN username and OpenVPN password.';
const IKE_LOGIN = 'Enter your VPN username and IKEv2 password.';
const WIREGUARD_APPLE_DROPS =
  'the app blocks traffic while the tunnel is on. Edit the tunnel and switch on “On-Demand”, and it stays on.';
const ANDROID_DROPS =
  'Android can block traffic outside the tunnel: in Settings, Network, VPN, tap the cog beside the app and switch on “Always-on VPN” and “Block connections without VPN”.';

/** The English how-to of each system. */
export const HOWTOS: Readonly<Record<System, HowTo>> = {
  windows: {
    name: 'Windows',
    methods: [
      {
        title: 'WireGuard app',
        take: 'wireguard',
        apps: [APPS.wireguard],
        steps: [
          'Install WireGuard for Windows.',
          WIREGUARD_HERE,
          'Choose “Import tunnel(s) from file”, then “Activate”.',
        ],
        drops:
          'the app blocks traffic outside the tunnel while it is active. Leave “Block untunneled traffic” ticked in the settings of the tunnel.',
      },
      {
        title: 'OpenVPN GUI or OpenVPN Connect',
        take: 'openvpn',
        apps: [APPS.openvpnCommunity, APPS.openvpnConnect],
        steps: [
          'Install OpenVPN Community or OpenVPN Connect.',
          'Download a profile and import it in the app. Use TCP only if UDP is blocked.',
          LOGIN,
        ],
        drops:
          'OpenVPN GUI holds traffic back while it reconnects, but not once it has given up. In OpenVPN Connect, switch on “Seamless Tunnel” in the settings.',
      },
      {
        title: 'Built-in IKEv2',
        take: 'windows',
        apps: [],
        steps: [
          'Download the CA certificate.',
          'Open PowerShell as administrator, go to the folder of the download, and paste the commands.',
          `Choose the connection in the network menu. ${IKE_LOGIN}`,
        ],
        drops:
          'traffic goes past the tunnel, and Windows has no setting against that. Use the WireGuard app if it matters.',
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
        apps: [],
        steps: [
          'Download a configuration profile and open it.',
          'Go to System Settings, General, Device Management, and install it.',
          IKE_LOGIN,
          'Switch the VPN on in System Settings, VPN.',
        ],
        drops: APPLE_DROPS,
        caution: APPLE_TRUST,
      },
      {
        title: 'WireGuard app',
        take: 'wireguard',
        apps: [APPS.wireguardMac],
        steps: ['Install WireGuard from the App Store.', WIREGUARD_HERE, 'Import the file and activate it.'],
        drops: WIREGUARD_APPLE_DROPS,
      },
      {
        title: 'Tunnelblick or OpenVPN Connect',
        take: 'openvpn',
        apps: [APPS.tunnelblick, APPS.openvpnConnect],
        steps: [
          'Install Tunnelblick or OpenVPN Connect.',
          'Download a profile and open it with the app. Use TCP only if UDP is blocked.',
          LOGIN,
        ],
        drops:
          'in Tunnelblick, set “On unexpected disconnect” to “Disable Network Access” in the settings of the configuration. In OpenVPN Connect, switch on “Seamless Tunnel”.',
      },
    ],
  },
  ios: {
    name: 'iPhone, iPad',
    methods: [
      {
        title: 'Built-in IKEv2',
        take: 'apple',
        apps: [],
        steps: [
          'Open this page in Safari and download a configuration profile.',
          'Open Settings, tap “Profile Downloaded”, and install it.',
          IKE_LOGIN,
          'Switch the VPN on in Settings, VPN.',
        ],
        drops: APPLE_DROPS,
        caution: APPLE_TRUST,
      },
      {
        title: 'WireGuard app',
        take: 'wireguard',
        apps: [APPS.wireguardIos],
        steps: [
          'Install WireGuard from the App Store.',
          'In the app, tap +, then “Create from scratch”, and copy the public key that it shows. Open “WireGuard devices” in your account and add the key.',
          'Or make the key in “WireGuard devices” (with JavaScript), and import the file or scan the QR code in the app.',
        ],
        drops: WIREGUARD_APPLE_DROPS,
      },
      {
        title: 'OpenVPN Connect',
        take: 'openvpn',
        apps: [APPS.openvpnConnectIos],
        steps: [
          'Install OpenVPN Connect from the App Store.',
          'Download a profile and share it to the app. Use TCP only if UDP is blocked.',
          LOGIN,
        ],
        drops: 'switch on “Seamless Tunnel” in the settings of the app: it blocks traffic while it reconnects.',
      },
    ],
  },
  android: {
    name: 'Android',
    methods: [
      {
        title: 'WireGuard app',
        take: 'wireguard',
        apps: [APPS.wireguardFdroid, APPS.wireguardPlay],
        steps: [
          'Install WireGuard from F-Droid or the Play Store.',
          'Open “WireGuard devices” in your account and add a device. It gives you a file, and a QR code if JavaScript is on.',
          'In the app, tap + and import the file or scan the code.',
        ],
        drops: ANDROID_DROPS,
      },
      {
        title: 'strongSwan app (IKEv2)',
        take: 'android',
        apps: [APPS.strongswanFdroid, APPS.strongswanPlay],
        steps: [
          'Install strongSwan VPN Client from F-Droid or the Play Store.',
          'Download a profile and open it with the app.',
          IKE_LOGIN,
        ],
        drops: ANDROID_DROPS,
      },
      {
        title: 'OpenVPN for Android or OpenVPN Connect',
        take: 'openvpn',
        apps: [APPS.icsOpenvpnFdroid, APPS.icsOpenvpnPlay, APPS.openvpnConnectPlay],
        steps: [
          'Install OpenVPN for Android from F-Droid or the Play Store, or OpenVPN Connect from the Play Store.',
          'Download a profile and import it. Use TCP only if UDP is blocked.',
          LOGIN,
        ],
        drops: ANDROID_DROPS,
      },
    ],
  },
  linux: {
    name: 'Linux',
    methods: [
      {
        title: 'NetworkManager with OpenVPN',
        take: 'openvpn',
        apps: [],
        steps: [
          'Install it, as root: `apt install network-manager-openvpn` (on a desktop, `network-manager-openvpn-gnome` too)',
          'Download a profile (TCP only if UDP is blocked) and run `nmcli connection import type openvpn file FILE.ovpn`',
          'Say who you are: `nmcli connection modify FILE vpn.user-name USERNAME`',
          'Connect with `nmcli --ask connection up FILE` or in the network menu, and enter your OpenVPN password.',
        ],
        drops:
          'OpenVPN holds traffic back while it reconnects. To have NetworkManager try again as well, run `nmcli connection modify FILE vpn.persistent yes`',
        caution: 'Plain `openvpn --config` works too, but does not set the name server. NetworkManager does.',
      },
      {
        title: 'WireGuard',
        take: 'wireguard',
        apps: [],
        steps: [
          'Install it, as root: `apt install wireguard-tools openresolv`',
          WIREGUARD_HERE,
          'Run `wg-quick up ./FILE.conf`, and `wg-quick down ./FILE.conf` to disconnect. With NetworkManager, `nmcli connection import type wireguard file FILE.conf` does the same and needs no other program.',
        ],
        drops: 'while the tunnel is up, nothing goes past it, even if the gateway does not answer.',
      },
      {
        title: 'strongSwan (IKEv2)',
        take: 'swanctl',
        apps: [],
        steps: [
          'Install it, as root: `apt install strongswan-swanctl charon-systemd libcharon-extra-plugins libcharon-extauth-plugins`',
          'Put the configuration into `/etc/swanctl/conf.d` and the CA certificate into `/etc/swanctl/x509ca`.',
          'Write your VPN username and IKEv2 password into the configuration.',
          'Run `swanctl --load-all`, then `swanctl --initiate --child NAME` with a name from the file.',
        ],
        drops: 'traffic goes past the tunnel until it is back. Use WireGuard if that matters.',
      },
    ],
  },
  router: {
    name: 'Routers',
    methods: [
      {
        title: 'WireGuard (OpenWrt, OPNsense, FRITZ!Box and others)',
        take: 'wireguard',
        apps: [],
        steps: [
          WIREGUARD_HERE,
          'Import the file in the router’s VPN page. Everything behind the router then counts as one connection.',
        ],
        drops: 'let the firewall pass traffic of your network to the tunnel only, and not to the WAN.',
      },
      {
        title: 'OpenVPN (OpenWrt, OPNsense, pfSense and others)',
        take: 'openvpn',
        apps: [],
        steps: ['Download a profile and import it as an OpenVPN client. Use TCP only if UDP is blocked.', LOGIN],
        drops: 'let the firewall pass traffic of your network to the tunnel only, and not to the WAN.',
      },
    ],
  },
};
