// SPDX-License-Identifier: AGPL-3.0-or-later

/** The words of "What we know about you", in English. */
export const REMEMBERED = {
  title: 'What we know about you',
  sessions: (count: number, since: string | undefined, more: boolean): string =>
    since === undefined
      ? 'We remember none of your sessions.'
      : `We remember ${more ? 'more than ' : ''}${count} ${count === 1 ? 'session' : 'sessions'}, the oldest of ${since}; of none do we know the time, your address or where you went.`,
  others: (count: number): string =>
    `Besides, there ${count === 1 ? 'is 1 row' : `are ${count} rows`} about your account, and nothing else.`,
  text: 'Below are the rows themselves, read just now, with why each value exists and how long it stays.',
  session: 'Reading this page leaves no row.',
  json: 'The same as JSON',
  more: 'More rows',
  none: 'There is no row about you.',
  why: 'Why',
  how: 'How long',
  rows: (count: number): string => `${count} ${count === 1 ? 'row' : 'rows'}`,
  stores: {
    'database.accounts': 'Your account',
    'database.licences': 'Your licence',
    'database.sign_ins': 'Where you are signed in',
    'database.credentials': 'Your VPN username and passwords',
    'database.devices': 'Your WireGuard keys',
    'database.usage_events': 'Your sessions',
    'live.seats': 'Connected now, in memory',
  } as Readonly<Record<string, string>>,
};

/** The words of the privacy policy, in English. */
export const PRIVACY = {
  title: 'Privacy policy',
  lead: 'We do not know who you are, and we do not keep what would tell us when you were connected, from where, or what you did.',
  notTitle: 'What we do not keep',
  not: [
    'your name, e-mail address or telephone number: we never ask',
    'your IP address',
    'the time at which you connected or disconnected, or for how long',
    'the sites that you visit and the names that you look up',
    'which gateway you used',
  ],
  keptTitle: 'What we keep',
  kept: {
    'database.accounts': 'A hash of your account number, which cannot be turned back.',
    'database.licences': 'The last day of your licence and how many connections it allows at once.',
    'database.sign_ins': 'A hash for each browser or app that is signed in, and the day on which the sign-in ends.',
    'database.credentials': 'Hashes of a random VPN username and passwords, if you had them made.',
    'database.devices': 'The public keys that you gave us.',
    'database.usage_events':
      'Six fields for each session: day, a keyed hash of the VPN username, country and network operator, megabytes, location, protocol.',
  } as Readonly<Record<string, string>>,
  liveTitle: 'What is known while you are connected',
  live: 'The gateway holds your address in memory, because it cannot send you packets otherwise. It is gone when you disconnect, with WireGuard three minutes later. The service counts how many of your connections are open, in memory too.',
  rightsTitle: 'See it for yourself',
  rights: 'You can read every row about you, as it is, and download it. Reading it leaves no trace.',
  limitsTitle: 'What this does not cover',
  cannot:
    'This policy covers what our software does. It cannot show what a hosting company, a network operator or somebody with a stolen key could see.',
  fields: 'Every field, one by one',
  fieldsTitle: 'Privacy policy: every field',
  text: 'This page is made from the list that the software checks before it stores or sends anything. What is not on the list cannot be stored or sent.',
  contents: 'On this page',
  why: 'Why',
  holder: 'Who',
  how: 'How long',
  sources: 'Third-party data',
  sourcesText:
    'Country and network operator are looked up on the gateway itself, in these tables. Nothing is sent to their makers.',
  empty: 'No fields. The message says only that it happened.',
  rooms: {
    database: { title: 'Stored in the database', text: 'What outlives a restart.' },
    live: { title: 'Held in memory', text: 'Gone when a session or a program ends.' },
    exit: { title: 'Sent by a gateway', text: 'A gateway has one exit. Nothing else leaves it.' },
    api: { title: 'Exchanged with you and your app', text: 'What you send us and what you get back.' },
    activator: {
      title: 'Stored by the activator',
      text: 'Needed to give a gateway its secrets only after it has proven what it runs. Nothing about customers.',
    },
    attested: { title: 'Sent by a gateway that starts', text: 'Facts about the machine, before it serves anybody.' },
    journal: {
      title: 'Messages of the programs',
      text: 'About their operation. None can carry anything about a customer.',
    },
  } as Readonly<Record<string, { title: string; text: string }>>,
};
