// SPDX-License-Identifier: AGPL-3.0-or-later

/** A place where the makers of an app hand it out themselves. */
export interface App {
  readonly name: string;
  readonly url: string;
}

export const APPS = {
  wireguard: { name: 'WireGuard for Windows', url: 'https://www.wireguard.com/install/' },
  wireguardMac: { name: 'WireGuard in the App Store', url: 'https://apps.apple.com/app/wireguard/id1451685025' },
  wireguardIos: { name: 'WireGuard in the App Store', url: 'https://apps.apple.com/app/wireguard/id1441195209' },
  wireguardFdroid: { name: 'WireGuard on F-Droid', url: 'https://f-droid.org/packages/com.wireguard.android/' },
  wireguardPlay: {
    name: 'WireGuard in the Play Store',
    url: 'https://play.google.com/store/apps/details?id=com.wireguard.android',
  },
  openvpnCommunity: { name: 'OpenVPN Community', url: 'https://openvpn.net/community-downloads/' },
  openvpnConnect: { name: 'OpenVPN Connect', url: 'https://openvpn.net/client/' },
  openvpnConnectIos: {
    name: 'OpenVPN Connect in the App Store',
    url: 'https://apps.apple.com/app/openvpn-connect/id590379981',
  },
  openvpnConnectPlay: {
    name: 'OpenVPN Connect in the Play Store',
    url: 'https://play.google.com/store/apps/details?id=net.openvpn.openvpn',
  },
  icsOpenvpnFdroid: { name: 'OpenVPN for Android on F-Droid', url: 'https://f-droid.org/packages/de.blinkt.openvpn/' },
  icsOpenvpnPlay: {
    name: 'OpenVPN for Android in the Play Store',
    url: 'https://play.google.com/store/apps/details?id=de.blinkt.openvpn',
  },
  tunnelblick: { name: 'Tunnelblick', url: 'https://tunnelblick.net/' },
  strongswanFdroid: { name: 'strongSwan on F-Droid', url: 'https://f-droid.org/packages/org.strongswan.android/' },
  strongswanPlay: {
    name: 'strongSwan in the Play Store',
    url: 'https://play.google.com/store/apps/details?id=org.strongswan.android',
  },
} as const satisfies Readonly<Record<string, App>>;
