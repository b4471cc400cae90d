// SPDX-License-Identifier: AGPL-3.0-or-later
import { type EpochDay, isoDate } from '../../core/clock/clock.ts';
import type { Datum } from '../../core/inventory/datum.ts';
import type { SignInRefusal } from '../accounts/account.ts';
import type { DeviceRefusal } from '../accounts/device.ts';
import { HOWTOS } from './howtos.ts';
import { MANAGE } from './manage.texts.ts';
import { PRIVACY, REMEMBERED } from './policy.ts';
import { type PageProblem, PROBLEMS, type ProblemText } from './problems.ts';

const DATE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' });

const LIST = new Intl.ListFormat('en-GB');
const EITHER = new Intl.ListFormat('en-GB', { type: 'disjunction' });
const COUNTRY = new Intl.DisplayNames('en-GB', { type: 'region' });

/** Other words than the codes of ISO 3166 stay as they are. */
function countryName(code: string): string {
  return /^[A-Z]{2}$/.test(code) ? (COUNTRY.of(code) ?? code) : code;
}

const KINDS: Readonly<Record<Datum['kind'], string>> = {
  date: 'a date, without a time',
  count: 'a whole number',
  megabytes: 'whole megabytes, rounded up',
  flag: 'yes or no',
  random: 'a random identifier',
  digest: 'a one-way hash',
  bytes: 'binary data',
  'public-key': 'a public key',
  country: 'a country, or unknown',
  isp: 'the name of a network operator',
  word: 'one of a fixed set of words',
  name: 'a short name, never an address',
  secret: 'a secret that is shown once',
  document: 'a text or a file',
};

const HOLDERS: Readonly<Record<Datum['holder'], string>> = {
  control: 'the service’s own server',
  gateway: 'the gateway, in memory',
  customer: 'you',
  operator: 'the operator',
};

const SIGN_IN_REFUSALS: Readonly<Record<SignInRefusal, string>> = {
  malformed: 'An account number has 20 letters and digits, in five groups of four. This has more or fewer.',
  mistyped: 'There is a typing mistake in the number. Compare it with the number that you saved.',
  unknown: 'There is no account with this number.',
  busy: 'Too many people are signing in at this moment. Try again in a minute.',
};

const DEVICE_REFUSALS: Readonly<Record<DeviceRefusal, string>> = {
  malformed: 'That is not a WireGuard public key. A key has 44 characters and ends with =.',
  taken: 'This key is in use by another account. Make a new one.',
  too_many: 'You have as many keys as your licence allows. Remove one first.',
  no_room: 'There is no room for another key at the moment. Try again later.',
};

/** Every English word of the portal. A translation has the same shape. */
export const ENGLISH = {
  language: 'en',
  date: (day: EpochDay): string => DATE.format(new Date(isoDate(day))),
  kinds: KINDS,
  holders: HOLDERS,
  howtos: HOWTOS,
  problems: PROBLEMS as Readonly<Record<PageProblem, ProblemText>>,
  frame: {
    skip: 'Skip to the content',
    navigation: 'Main',
    account: 'Account',
    rememberedShort: 'What we know',
    privacy: 'Privacy policy',
    signIn: 'Sign in',
    signOut: 'Sign out',
    software: 'Runs on Lethe, free software under AGPL-3.0-or-later.',
    source: 'Source code',
    copy: 'Copy',
    copied: 'Copied',
    error: 'Error: ',
    start: 'Start page',
    onward: 'Where to go from here',
    description: (service: string): string =>
      `${service}: a VPN without a name, an e-mail address or a log. Open software that says what it keeps and what it cannot prove.`,
    back: 'Back to your account',
  },
  home: {
    title: 'A VPN built to forget',
    lead: 'The sites you visit see the address of our gateway instead of yours. We keep none of your addresses, no times, no name and no list of sites.',
    create: 'Create an account',
    free: 'One click. We ask for no name and no e-mail address.',
    facts: {
      trial: (days: number, seats: number): string =>
        `A new account is free for ${days} ${days === 1 ? 'day' : 'days'}, with ${seats} ${seats === 1 ? 'connection' : 'connections'} at once.`,
      price: (price: string): string => `After that: ${price}.`,
      places: (locations: number, countries: readonly string[]): string =>
        `${locations} ${locations === 1 ? 'location' : 'locations'} in ${LIST.format(countries.map(countryName))}.`,
      devices: 'For Windows, macOS, iPhone, iPad, Android, Linux and routers, with WireGuard, OpenVPN or IKEv2.',
      operator: (operator: string): string => `Run by ${operator}.`,
      contact: 'Write to us',
      unsaid: {
        price: 'what it costs after the trial',
        operator: 'who runs this service',
        contact: 'how to reach them',
      },
      notSaid: (what: readonly string[]): string => `The operator has not said ${EITHER.format(what)}.`,
    },
    keepsTitle: 'Six fields stay behind after a session',
    keeps: [
      'the date, without a time',
      'a keyed hash of a random username',
      'the country and the operator of the network you came from',
      'megabytes in and out with the tunnel’s overhead, added up and rounded up',
      'the location you chose, never the gateway',
      'the protocol',
    ],
    keepsMore: 'Nothing else does. Your account page shows these rows as they are.',
    everyField: 'Read the privacy policy',

    cannotTitle: 'What we cannot promise',
    cannot: [
      'No VPN can prove that it records nothing. Our software is open and searches itself for traces. You still have to trust that this is what we run.',
      'While you are connected, and with WireGuard for three minutes longer, the gateway knows your address. It cannot send you packets otherwise.',
      'This is privacy, not anonymity. Sites still know you by your logins, your cookies and your browser.',
      'Your own network sees that you use a VPN, when, and how much.',
    ],
  },
  signUp: {
    title: 'Create an account',
    text: 'One click makes an account number. We ask you nothing.',
    submit: 'Create an account',
    have: 'Already have an account?',
    stale: 'That form was too old, so no account was made. Use the button below.',
    used: 'That form made an account before. Its number has been changed since, or the account was deleted, so the form makes nothing any more. Sign in with your present number, or make a new account.',
  },
  welcome: {
    title: 'Keep this number',
    numberTitle: 'Account number',
    number:
      'Your account number is your login. We keep only a hash of it, so we cannot recover it for you. Keep it before you go on.',
    file: 'Save as a text file',
    print: 'Print',
    again:
      'You can reload this page today and tomorrow and see the same number. After that we cannot show it again. A password manager will offer to keep it when you go on.',
    onward: 'I have kept it. Go to my account',
    fileText: (service: string, number: string, signIn: string): string =>
      `${service}\r\n\r\nAccount number: ${number}\r\nSign in: ${signIn}\r\n\r\nThis number is the login. It cannot be recovered.\r\n`,
  },
  signIn: {
    title: 'Sign in',
    label: 'Account number',
    hint: 'Five groups of four letters and digits. Capitals, spaces and dashes do not matter.',
    submit: 'Sign in',
    none: 'No account yet?',
    refused: SIGN_IN_REFUSALS,
    again:
      'Nothing was changed yet. Your browser does not say which page a form comes from, so please send this one again. A cookie that ends in ten minutes tells us that it came from this page.',
    expired: 'You were signed out. Sign in again to go on.',
  },
  account: {
    title: 'Your account',
    trial: 'Trial until',
    paid: 'Paid until',
    expired: 'Expired on',
    expiredNote:
      'New connections are refused. OpenVPN and IKEv2 apps say why; WireGuard can only stay silent. Your account stays for 90 days and works again once the licence is extended. WireGuard keys of a trial have to be added again.',
    askOperator: 'To go on, ask the operator of the service to extend it.',
    extend: 'Ask us to extend it',
    seats: 'Connected now',
    seatsOf: (used: number, limit: number): string => `${used} of ${limit}`,
    seatsNote: 'Counted now, in memory only. Past numbers are not kept.',
    connect: 'Connect this device',
    connectText: 'Choose your system. Each page has the files and a few steps.',
    credentials: 'VPN username and passwords',
    credentialsText: (present: boolean): string =>
      present
        ? 'OpenVPN and IKEv2 ask for them, the same on every device. We cannot show them again.'
        : 'OpenVPN and IKEv2 ask for them. You have none yet. WireGuard needs none.',
    credentialsLink: (present: boolean): string => (present ? 'I have lost them' : 'Make them'),
    devices: 'WireGuard devices',
    devicesText: (count: number): string =>
      count === 0
        ? 'None yet. WireGuard uses a key for each device.'
        : `${count} ${count === 1 ? 'key' : 'keys'}, one for each device.`,
    devicesLink: 'Manage devices',
    downloads: 'All downloads',
    downloadsText: 'Files for every device, location and protocol.',
    downloadsLink: 'See all downloads',
    rememberedText: 'Every row about you, as it is now.',
    rememberedLink: 'See your rows',
    manageText: 'Sign out other browsers, change your account number, or delete the account.',
    manageLink: 'Manage your account',
  },
  manage: MANAGE,
  credentials: {
    first: {
      title: 'VPN username and passwords',
      text: 'OpenVPN and IKEv2 ask for a username and a password. We make them at random and show them to you. WireGuard needs none.',
      submit: 'Make a username and passwords',
      cancel: 'Back to your account',
    },
    again: {
      title: 'Replace your VPN username and passwords',
      text: 'You need this only if you have lost them, or if somebody may have seen them. A further device uses the ones that you have. Your old username and passwords will stop working within about a minute. Every device that uses OpenVPN or IKEv2 will need the new ones. WireGuard devices are not affected.',
      submit: 'Replace them: the old ones stop working',
      cancel: 'Keep the old ones',
    },
    stale: 'That form was too old, or newer passwords have been made since. Nothing was changed.',
    freshTitle: 'Your VPN username and passwords',
    once: 'Keep them now: we store only what is needed to check them and cannot show them later.',
    shared: 'They have nothing to do with your account number, so a gateway never learns that number.',
    soon: 'They work in a moment, or within half a minute at the latest.',
    username: 'VPN username',
    password: 'OpenVPN password',
    ikePassword: 'IKEv2 password',
    filledTitle: 'Files with your login inside',
    filledText:
      'While this page is open, you can download files that already hold your username and password, so that no app has to ask for them.',
    filledCaution:
      'Anyone who has such a file can connect as you. Delete the download once your app has imported it, and do not send it by e-mail.',
    appleTitle: 'iPhone, iPad or Mac: IKEv2',
    appleSubmit: 'Download the profile',
    openvpnTitle: 'OpenVPN',
    openvpnText:
      'For OpenVPN GUI, OpenVPN Connect, Tunnelblick and OpenVPN for Android. NetworkManager cannot import such a file.',
    openvpnUdp: 'Download for UDP',
    openvpnTcp: 'Download for TCP',
    onward: 'I have kept them. Go to my account',
  },
  devices: {
    title: 'WireGuard devices',
    text: 'Each WireGuard device has a pair of keys. The private key stays with you; we get the public one. A new device works in a moment, or within half a minute at the latest.',
    limits: (seats: number, keys: number): string =>
      `Your licence allows ${seats} connections at once, and ${keys} keys. Each key has a name of two words, made from the key itself.`,
    none: 'You have no device yet.',
    list: 'Your devices',
    open: 'Configuration',
    remove: 'Remove',
    removeTitle: (name: string): string => `Remove “${name}”?`,
    removeNote:
      'This key will be cut off within about a minute, also if it is connected now. Its files and QR codes will stop working.',
    removeSubmit: (name: string): string => `Remove “${name}”`,
    removeCancel: 'Keep it',
    addTitle: 'Add a device',
    label: 'Public key',
    hint: 'In the app: “Create from scratch” shows it. On Linux: `wg genkey | tee private.key | wg pubkey`',
    add: 'Add this key',
    make: 'Make a key in this browser',
    makeNote: 'The private key is made on this page and never leaves it.',
    cannotMake: 'This browser cannot make WireGuard keys. Make one in the app and paste its public key.',
    refused: DEVICE_REFUSALS,
  },
  device: {
    title: (name: string): string => `WireGuard: ${name}`,
    key: 'Public key',
    putKey: 'Put your private key in place of `YOUR-PRIVATE-KEY`. We never had it.',
    madeHere:
      'The private key was made in this browser and is in the files below. Download one now: it is gone when you leave this page.',
    download: 'Download',
    qr: 'QR code of this configuration',
    qrHint: 'Scan it with the WireGuard app.',
    move: 'Or move a tunnel that you already have here',
    moveText: 'In the app, edit the tunnel and replace these two values of its peer. Everything else stays as it is.',
    peer: 'Public key of the gateway',
    endpoint: 'Endpoint',
    archive: 'Configurations for every location (ZIP)',
    back: 'Back to your devices',
  },
  places: {
    title: 'Locations',
    label: 'Location',
    choose: 'Choose a location to get its files.',
    above: 'Choose a location above to get the files.',
  },
  downloads: {
    title: 'Downloads',
    text: 'OpenVPN and IKEv2 ask for your VPN username and password. The files hold no secret of yours.',
    none: 'There are no locations at the moment. Please come back later.',
    udp: 'All systems: OpenVPN over UDP',
    udpApps: 'for OpenVPN GUI, OpenVPN Connect, Tunnelblick, OpenVPN for Android, NetworkManager',
    tcp: 'All systems: OpenVPN over TCP',
    tcpApps: 'for the same apps, if UDP is blocked; slower',
    apple: 'iPhone, iPad, Mac: IKEv2 profile',
    appleApps: 'no app needed',
    android: 'Android: IKEv2 profile',
    androidApps: 'for the strongSwan app',
    swanctl: 'Linux: IKEv2 configuration',
    swanctlApps: 'for strongSwan (swanctl)',
    wireguard: 'All systems: WireGuard configuration',
    wireguardApps: 'for the WireGuard apps, one file for each of your devices',
    archives: 'Every location in one file',
    archive: {
      openvpn: 'All systems: OpenVPN (ZIP)',
      apple: 'iPhone, iPad, Mac: IKEv2 (ZIP)',
      android: 'Android: IKEv2 for strongSwan (ZIP)',
      swanctl: 'Linux: IKEv2 for strongSwan (ZIP)',
    },
    certificate: 'CA certificate',
    authority: 'Windows, Linux: CA certificate',
    authorityApps: 'for IKEv2',
    windows: 'Commands for PowerShell',
  },
  connect: {
    title: (system: string): string => `How to connect: ${system}`,
    choose: 'You need only one of these. We recommend the first.',
    login: (present: boolean): string =>
      present
        ? 'OpenVPN and IKEv2 ask for your VPN username and password, the same on every device. If you have lost them, you can'
        : 'OpenVPN and IKEv2 ask for a VPN username and password. You have none yet:',
    loginLink: (present: boolean): string => (present ? 'replace them on all your devices' : 'make them'),
    caution: 'Note',
    apps: 'Get the app:',
    dropsTitle: 'If the connection drops:',
    workedTitle: 'Did it work?',
    worked:
      'This address exists only inside the tunnel. If it opens, this device is connected; if it does not, it is not:',
    workedSeats: (used: number, limit: number): string =>
      `We count ${used} of your ${limit} connections as open now. The number changes within half a minute after a device connects.`,
    workedAgain: 'Load this page again',
    signIn: 'Sign in to get the files.',
    others: 'Other systems',
  },
  remembered: REMEMBERED,
  privacy: PRIVACY,
};

export type Texts = typeof ENGLISH;
