// SPDX-License-Identifier: AGPL-3.0-or-later
import { credentialsAnswer, licenceAnswer } from './answers.ts';
import type { Door } from './door.ts';
import { ActivationRequest, Credentials, Licence, Remembered, Seats } from './schemas.ts';
import type { ApiServices } from './services.ts';

/** What belongs to the customer who asks: licence, seats, credentials, and everything that is kept. */
export function serveLicence(door: Door, { credentials, seats, remembered }: ApiServices): void {
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
      summary: 'Everything that the service keeps about you, beside the declaration that allows it.',
      answer: Remembered,
    },
    async ({ customer }) => {
      const rows = await remembered.of(customer);
      return { rows: rows.map(({ store, fields }) => ({ store, fields: fields.map((field) => ({ ...field })) })) };
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
      refusals: [],
    },
    async ({ customer }) => credentialsAnswer(await credentials.rotate(customer)),
  );
}

/** Activations of apps. */
export function serveActivations(door: Door, { activate }: ApiServices): void {
  door.serve(
    {
      method: 'post',
      path: '/api/v1/activations',
      summary: 'Says that an app was set up. Kept with the date, and not with the account.',
      signedIn: true,
      body: ActivationRequest,
      status: 204,
      answer: undefined,
      refusals: [],
    },
    async ({ body: { app, app_version: appVersion, os } }) => {
      await activate({ app, appVersion, os });
      return undefined;
    },
  );
}
