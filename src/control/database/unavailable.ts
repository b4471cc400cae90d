// SPDX-License-Identifier: AGPL-3.0-or-later

/** Codes of a database that is not there, or is on its way out (PostgreSQL, appendix A, classes 08 and 57P). */
const CODES = /^(ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|EACCES|08\d{3}|57P0\d)$/;

/** What the client says when a connection ends or does not begin. It gives these no code. */
const MESSAGES = /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection)/;

/** Whether an error means that the database is away, so that the same request may succeed later. */
export function databaseIsAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return CODES.test(String((error as NodeJS.ErrnoException).code)) || MESSAGES.test(error.message);
}
