// SPDX-License-Identifier: AGPL-3.0-or-later
import { OpenAPIHono, type z } from '@hono/zod-openapi';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { UndeclaredError } from '../../core/inventory/guard.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { Customer } from '../accounts/account.ts';
import type { Accounts } from '../accounts/account-service.ts';
import { databaseIsAway } from '../database/unavailable.ts';
import { PROBLEM_STATUS } from '../surface/problems.ts';
import { leaving, type RecordSchema } from '../surface/record.ts';
import { API_HEADERS, type ApiProblem, problemPage, problemResponse } from './problem.ts';
import { Problem } from './schemas.ts';

/** One operation of the API, from which both its handling and its description are made. */
export interface Operation<Body extends RecordSchema | undefined, Answer extends RecordSchema | undefined> {
  readonly method: 'get' | 'post' | 'delete';
  /** In the form of OpenAPI: `/api/v1/devices/{public_key}`. */
  readonly path: string;
  readonly summary: string;
  /** Whether the caller has to be signed in. */
  readonly signedIn: boolean;
  readonly body: Body;
  /** Parameters after the `?`, each with what it must look like. All may be left out. */
  readonly query?: Readonly<Record<string, RegExp>>;
  readonly status: 200 | 201 | 204;
  readonly answer: Answer;
  /** What the operation itself may refuse. The door adds what it refuses on its own. */
  readonly refusals: readonly ApiProblem[];
}

export interface Call<Body extends RecordSchema | undefined> {
  readonly body: Body extends RecordSchema ? z.output<Body> : undefined;
  readonly customer: Customer;
  readonly token: string;
  readonly parameter: (name: string) => string;
  /** Empty where it was left out. */
  readonly query: (name: string) => string;
}

type ApiAnswer<Answer extends RecordSchema | undefined> = Answer extends RecordSchema ? z.input<Answer> : undefined;

/** A public text. Without a schema it is one to programs, too. */
interface Published {
  readonly summary: string;
  readonly type: string;
  readonly schema?: RecordSchema | { readonly type: 'string' };
}

/** 64 KiB: a hundred times more than any operation takes. It also bounds how deep JSON can be nested. */
const MOST_BODY = 65_536;

const JSON_HEADERS = { ...API_HEADERS, 'content-type': 'application/json' };

const LIMITED = bodyLimit({ maxSize: MOST_BODY, onError: () => problemResponse('too_large') });

const LICENCE = { name: 'AGPL-3.0-or-later', identifier: 'AGPL-3.0-or-later' } as const;

/**
 * Everything that comes from outside passes here: size, type, syntax, schema, sign-in. Everything that leaves passes
 * its schema and the inventory. Nothing is written about a request, and nothing asks where it came from.
 */
export class Door {
  readonly app = new OpenAPIHono();
  /** Known paths with unknown methods. Apart: a path with two handlers puts them together anew at each request. */
  readonly #otherMethods = new Hono();
  readonly #accounts: Accounts;
  readonly #methods = new Map<string, string[]>();

  constructor(accounts: Accounts, journal: Journal) {
    this.#accounts = accounts;
    this.app.onError((error) => problemResponse(codeOf(error, journal)));
    this.app.notFound(({ req }) => this.#otherMethods.fetch(req.raw));
    this.#otherMethods.notFound(() => problemResponse('not_found'));
    this.app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  }

  serve<Body extends RecordSchema | undefined, Answer extends RecordSchema | undefined>(
    operation: Operation<Body, Answer>,
    handle: (call: Call<Body>) => Promise<ApiAnswer<Answer> | ApiProblem>,
  ): void {
    this.#describe(operation);
    const path = operation.path.replaceAll(/\{(\w+)\}/g, ':$1');
    this.#methods.set(path, [...(this.#methods.get(path) ?? []), operation.method.toUpperCase()]);
    // To look for a body, where there is none, would cost more than the rest of the answer.
    if (operation.body !== undefined) this.app.on(operation.method.toUpperCase(), path, LIMITED);
    const queries = Object.entries(operation.query ?? {});
    this.app.on(operation.method.toUpperCase(), path, async ({ req }) => {
      const token = /^Bearer ([0-9A-Za-z_-]{43})$/i.exec(req.header('authorization') ?? '')?.[1] ?? '';
      const customer = operation.signedIn ? await this.#accounts.customerOf(token) : undefined;
      if (operation.signedIn && customer === undefined) return problemResponse('not_signed_in');
      const query = (name: string) => req.query(name) ?? '';
      const parameter = (name: string) => req.param(name) as string;
      if (queries.some(([name, pattern]) => query(name) !== '' && !pattern.test(query(name))))
        return problemResponse('invalid');
      const body = operation.body === undefined ? undefined : await readBody(operation.body, req.raw);
      if (typeof body === 'string') return problemResponse(body);
      const call = { token, customer: customer as Customer, body: body as Call<Body>['body'], parameter, query };
      const outcome = await handle(call);
      return typeof outcome === 'string' ? problemResponse(outcome) : answerOf(operation, outcome);
    });
  }

  /** Gives a public text byte by byte as it was signed. It passed its schema and the inventory before that. */
  publish(path: string, { summary, type, schema = { type: 'string' } }: Published, give: () => string): void {
    this.#methods.set(path, ['GET']);
    this.app.get(path, () => new Response(give(), { headers: { ...API_HEADERS, 'content-type': type } }));
    const description = { description: 'Done.', content: { [type]: { schema } } };
    this.app.openAPIRegistry.registerPath({
      method: 'get',
      path,
      operationId: operationId('get', path),
      summary,
      security: [],
      responses: { 200: description, ...refused(['failed']) },
    });
  }

  /** After the last `serve`: answers known paths with unknown methods, and makes the description public. */
  close(title: string, version: string): void {
    const document = this.app.getOpenAPI31Document({
      openapi: '3.1.0',
      info: { title, version, license: LICENCE },
      // Relative to where the description itself was found.
      servers: [{ url: '/' }],
    });
    const json = JSON.stringify(document);
    this.app.get('/problems/:code', (context) => problemPage(context.req.param('code')));
    this.app.get('/openapi.json', () => new Response(json, { headers: JSON_HEADERS }));
    for (const [path, methods] of this.#methods) {
      this.#otherMethods.all(path, () => {
        const response = problemResponse('method_not_allowed');
        response.headers.set('allow', methods.join(', '));
        return response;
      });
    }
  }

  #describe(operation: Operation<RecordSchema | undefined, RecordSchema | undefined>): void {
    const { method, path, summary, status, answer, body, signedIn, query = {} } = operation;
    const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string);
    const refusals: ApiProblem[] = [
      ...operation.refusals,
      ...(signedIn ? (['not_signed_in'] as const) : []),
      ...(body === undefined ? [] : (['malformed_json', 'wrong_content_type', 'invalid', 'too_large'] as const)),
      'undeclared',
      'failed',
      'unavailable',
    ];
    this.app.openAPIRegistry.registerPath({
      method,
      path,
      operationId: operationId(method, path),
      summary,
      security: signedIn ? [{ token: [] }] : [],
      request:
        body === undefined ? {} : { body: { required: true, content: { 'application/json': { schema: body } } } },
      parameters: [
        ...names.map((name) => ({ name, in: 'path' as const, required: true, schema: { type: 'string' as const } })),
        ...Object.entries(query).map(([name, { source: pattern }]) => ({
          name,
          in: 'query' as const,
          schema: { type: 'string' as const, pattern },
        })),
      ],
      responses: { [status]: described(answer), ...refused(refusals) },
    });
  }
}

function answerOf(
  { status, answer }: Pick<Operation<undefined, RecordSchema | undefined>, 'status' | 'answer'>,
  outcome: object | undefined,
): Response {
  if (answer === undefined) return new Response(null, { status, headers: API_HEADERS });
  return new Response(leaving<RecordSchema>(answer, outcome as Record<string, unknown>), {
    status,
    headers: JSON_HEADERS,
  });
}

/** `delete /api/v1/sign-ins/current` → `deleteSignInsCurrent`: what generated clients call the operation. */
function operationId(method: string, path: string): string {
  const words = path
    .replace('/api/v1/', '')
    .split(/\W+/)
    .filter((word) => word !== '');
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function described(answer: RecordSchema | undefined) {
  if (answer === undefined) return { description: 'Done.' };
  return { description: 'Done.', content: { 'application/json': { schema: answer } } };
}

function refused(codes: readonly ApiProblem[]) {
  const byStatus = Map.groupBy(codes, (code) => PROBLEM_STATUS[code]);
  const entries = [...byStatus].map(([status, same]) => [
    status,
    { description: same.join(', '), content: { 'application/problem+json': { schema: Problem } } },
  ]);
  return Object.fromEntries(entries) as Record<string, ReturnType<typeof described>>;
}

async function readBody(schema: RecordSchema, request: Request): Promise<object | ApiProblem> {
  if (!/^application\/json\s*(;|$)/i.test(request.headers.get('content-type') ?? '')) return 'wrong_content_type';
  const text = await request.text();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'malformed_json';
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : 'invalid';
}

/** The one place where an error becomes an answer. The error itself is neither shown nor written. */
function codeOf(error: Error, journal: Journal): ApiProblem {
  if (error instanceof UndeclaredError) {
    journal.say({ code: 'exit_refused', store: 'api' });
    return 'undeclared';
  }
  if (databaseIsAway(error)) return 'unavailable';
  journal.say({ code: 'failed', program: 'control', failure: 'api' });
  return 'failed';
}
