// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from '@hono/zod-openapi';
import { assertDeclared, UndeclaredError } from '../../core/inventory/guard.ts';
import { INVENTORY } from '../../core/inventory/inventory.ts';

/** A strict object schema that the inventory knows. Only {@link record} makes one. */
export type RecordSchema = z.ZodObject<z.ZodRawShape, z.core.$strict>;

interface Declared {
  readonly store: string;
  /** Fields that hold a record or a list of records. */
  readonly nested: ReadonlyMap<string, RecordSchema>;
}

const DECLARED = new WeakMap<z.core.$ZodType, Declared>();

/**
 * Makes the schema of a JSON object that the API takes or gives, `api.NAME` in the inventory. A field is either declared
 * there, or a record (or a list of records) by itself. Throws an UndeclaredError for anything else, so that a program
 * with an undeclared field does not start.
 */
export function record<Shape extends z.ZodRawShape>(name: string, shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const store = `api.${name}`;
  const declaration = INVENTORY[store];
  if (declaration === undefined) throw new UndeclaredError(`${store} is not in the inventory`);
  const nested = new Map(Object.entries(shape).flatMap(([field, held]) => inner(field, held)));
  const values = Object.keys(shape).filter((field) => !nested.has(field));
  for (const field of values) {
    if (!Object.hasOwn(declaration, field)) throw new UndeclaredError(`${store}.${field} is not in the inventory`);
  }
  for (const field of Object.keys(declaration)) {
    if (!values.includes(field)) throw new UndeclaredError(`${store}.${field} is missing`);
  }
  const schema = z.strictObject(shape).openapi(name);
  DECLARED.set(schema, { store, nested });
  return schema;
}

/**
 * The one way out: gives the JSON text of an answer. Throws an UndeclaredError, and so sends nothing, unless each
 * record in it has exactly the declared fields and each value is of its declared kind.
 */
export function leaving<Schema extends RecordSchema>(schema: Schema, answer: z.input<Schema>): string {
  const { store } = DECLARED.get(schema) as Declared;
  if (!schema.safeParse(answer).success) throw new UndeclaredError(`${store} does not fit its schema`);
  check(schema, answer);
  return JSON.stringify(answer);
}

function check(schema: RecordSchema, answer: Readonly<Record<string, unknown>>): void {
  const { store, nested } = DECLARED.get(schema) as Declared;
  if (nested.size === 0) return assertDeclared(store, answer);
  const values: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(answer)) {
    const held = nested.get(field);
    if (held === undefined) values[field] = value;
    else for (const item of Array.isArray(value) ? value : [value]) check(held, item as Record<string, unknown>);
  }
  assertDeclared(store, values);
}

/** The record that a field holds, or holds a list of. */
function inner(field: string, holder: z.core.$ZodType): [string, RecordSchema][] {
  const held = holder instanceof z.ZodArray ? holder.element : holder;
  return DECLARED.has(held) ? [[field, held as RecordSchema]] : [];
}
