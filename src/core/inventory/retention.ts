// SPDX-License-Identifier: AGPL-3.0-or-later

/**
 * How long anything lives, in the words of the privacy policy. The set is closed: the inventory takes nothing else, so
 * the sentence that says what a datum is for cannot be put where its end belongs.
 */
export const KEPT = {
  account: 'until the customer deletes the account, or 90 days after the licence ends',
  credentials: 'until the customer makes new ones, or the account is deleted',
  device: 'until the customer removes the key, its trial has ended, or the account is deleted',
  signIn: 'until sign-out, or the day after it ends',
  twoYears: 'two years, then the row is deleted',
  twoMonths: 'until the end of the month after',
  twoDays: 'two days',
  service: 'as long as the service runs',
  seat: 'in memory until five minutes after the last beat; never on disk',
  status: 'in memory until the next status; never on disk',
  connection: 'in the memory of the gateway until the client disconnects; never on disk',
  enrolment: 'until the gateway is forgotten',
  boot: 'until the next boot of the gateway replaces it',
  proof: 'sent over TLS to the activator, which keeps none of it',
  question: 'used to answer, then dropped',
  answer: 'sent to the customer who asked; the service keeps no copy of the answer',
  gatewayAnswer: 'sent to the gateway, which keeps it in memory',
  operatorAnswer: 'shown to the operator who asked',
  public: 'public',
  journal: 'written to standard output; this program keeps no copy',
} as const;

export type Retention = (typeof KEPT)[keyof typeof KEPT];
