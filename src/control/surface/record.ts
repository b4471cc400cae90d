// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from '@hono/zod-openapi';
import { assertDeclared, UndeclaredError } from '../../core/inventory/guard.ts';
import { INVENTORY } from '../../core/inventory/inventory.ts';

/** A strict object schema that the inventory knows. Only {@link record} makes one. */
export type RecordSchema = z.ZodObject<z.ZodRawShape, z.core.$strict>;

const STORES = new WeakMap<z.ZodType, string>();

/**
 * Makes the schema of a JSON object that the API takes or gives, `api.NAME` in the inventory. A field is either declared
 * there, or a record (or a list of records) by itself. Throws an UndeclaredError for anything else, so that a program
 * with an undeclared field does not start.
 */
export function record<Shape extends z.ZodRawShape>(name: string, shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const store = `api.${name}`;
  const declaration = INVENTORY[store];
  if (declaration === undefined) throw new UndeclaredError(`${store} is not in the inventory`);
  const values = Object.entries(shape).filter(([, field]) => inner(field) === undefined);
  for (const [field] of values) {
    if (!Object.hasOwn(declaration, field)) throw new UndeclaredError(`${store}.${field} is not in the inventory`);
  }
  for (const field of Object.keys(declaration)) {
    if (!values.some(([value]) => value === field)) throw new UndeclaredError(`${store}.${field} is missing`);
  }
  const schema = z.strictObject(shape).openapi(name);
  STORES.set(schema, store);
  return schema;
}

/**
 * The one way out: gives the JSON text of an answer. Throws an UndeclaredError, and so sends nothing, unless each
 * record in it has exactly the declared fields and each value is of its declared kind.
 */
export function leaving<Schema extends RecordSchema>(schema: Schema, answer: z.input<Schema>): string {
  if (!schema.safeParse(answer).success) throw new UndeclaredError(`${STORES.get(schema)} does not fit its schema`);
  check(schema, answer);
  return JSON.stringify(answer);
}

function check(schema: RecordSchema, answer: Readonly<Record<string, unknown>>): void {
  const values: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(answer)) {
    const nested = inner(schema.shape[field] as z.ZodType);
    if (nested === undefined) values[field] = value;
    else for (const item of Array.isArray(value) ? value : [value]) check(nested, item as Record<string, unknown>);
  }
  assertDeclared(STORES.get(schema) as string, values);
}

/** The record that a field holds, or holds a list of. */
function inner(field: z.core.$ZodType): RecordSchema | undefined {
  const held = field instanceof z.ZodArray ? field.element : field;
  return STORES.has(held as z.ZodType) ? (held as RecordSchema) : undefined;
}
