// SPDX-License-Identifier: AGPL-3.0-or-later
import { CURSOR } from '../accounts/remembered.ts';
import { credentialsAnswer, licenceAnswer } from './answers.ts';
import type { Door } from './door.ts';
import { ActivationRequest, Credentials, Licence, Remembered, Seats } from './schemas.ts';
import type { ApiServices } from './services.ts';

/** Rows that one answer may have: 1 to {@link MOST_ROWS}. */
const LIMIT = /^(?:[1-9]|[1-9]\d|1\d\d|200)$/;

/** What belongs to the customer who asks: licence, seats, credentials, and everything that is kept. */
export function serveLicence(door: Door, { changes, credentials, seats, remembered }: ApiServices): void {
  const reading = { method: 'get', signedIn: true, body: undefined, status: 200, refusals: [] } as const;
  door.serve({ ...reading, path: '/api/v1/licence', summary: 'The licence.', answer: Licence }, async ({ customer }) =>
    licenceAnswer(customer.licence),
  );
  door.serve(
    { ...reading, path: '/api/v1/seats', summary: 'Connections that are live now.', answer: Seats },
    async ({ customer: { licence } }) => ({ used: seats.used(licence.id), limit: licence.seats }),
  );
  door.serve(
    {
      ...reading,
      path: '/api/v1/remembered',
      summary:
        'Everything that the service keeps about you, beside the declaration that allows it. `next` leads on; empty, it is the end.',
      query: { cursor: CURSOR, limit: LIMIT },
      answer: Remembered,
      refusals: ['invalid'],
    },
    async ({ customer, query }) => {
      const [cursor, limit] = [query('cursor'), query('limit')];
      const page = { ...(cursor === '' ? {} : { cursor }), ...(limit === '' ? {} : { limit: Number(limit) }) };
      const { rows, next } = await remembered.of(customer, page);
      const answered = rows.map(({ store, fields }) => ({ store, fields: fields.map((field) => ({ ...field })) }));
      return { rows: answered, next: next ?? '' };
    },
  );
  door.serve(
    {
      method: 'post',
      path: '/api/v1/credentials',
      summary: 'New credentials for the tunnels, shown this once. The old ones stop working.',
      signedIn: true,
      body: undefined,
      status: 201,
      answer: Credentials,
      refusals: ['busy'],
    },
    async ({ customer }) => {
      if (!changes.spend(customer.account)) return 'busy';
      return credentialsAnswer(await credentials.rotate(customer));
    },
  );
}

/** Activations of apps. */
export function serveActivations(door: Door, { activate, changes }: ApiServices): void {
  door.serve(
    {
      method: 'post',
      path: '/api/v1/activations',
      summary: 'Says that an app was set up. Kept with the date, and not with the account.',
      signedIn: true,
      body: ActivationRequest,
      status: 204,
      answer: undefined,
      refusals: ['busy'],
    },
    async ({ customer, body: { app, app_version: appVersion, os } }) => {
      if (!changes.spend(customer.account)) return 'busy';
      await activate({ app, appVersion, os });
      return undefined;
    },
  );
}
