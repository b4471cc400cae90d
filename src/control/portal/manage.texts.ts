// SPDX-License-Identifier: AGPL-3.0-or-later

/** Words of the pages on which a customer ends things. */
export const MANAGE = {
  title: 'Manage your account',
  othersTitle: 'Sign out everywhere else',
  others: 'Ends every other sign-in, in browsers and apps. This one stays, and so do VPN connections.',
  othersSubmit: 'Sign out everywhere else',
  ended: 'All other sign-ins have ended.',
  numberWhy: 'If somebody may have seen your number. Your licence, devices and passwords stay as they are.',
  closeWhy: 'Deletes the account and everything that leads to it. This cannot be undone.',
  number: {
    title: 'Change your account number',
    text: 'Your present number will stop working at once, and every other sign-in will end. You will see the new number on the next page.',
    submit: 'Make a new number: the old one stops working',
    cancel: 'Keep the present number',
    stale: 'That form was too old, or the number has been changed since. Nothing was changed.',
  },
  fresh: {
    title: 'Your new account number',
    text: 'Your old number no longer works. Keep this one before you go on: we keep only a hash of it, so we cannot recover it for you.',
  },
  close: {
    title: 'Delete your account',
    text: 'Your account, its licence, its keys and its passwords will be deleted at once. Time that is left is lost. Connected devices are cut off within about a minute. Rows of past sessions stay until they are two years old, under a hash that leads to no account after two months at most.',
    submit: 'Delete my account for good',
    cancel: 'Keep my account',
  },
  closed: {
    title: 'Your account is deleted',
    text: 'You are signed out. The number and everything that belonged to it are gone.',
  },
};
