// SPDX-License-Identifier: AGPL-3.0-or-later
import { html } from 'hono/html';
import type { Location } from '../fleet/location.ts';
import { type Html, NOTHING, type View } from './frame.page.ts';

/** The location that a page is about: the one in its address, or the only one there is. */
export function chosenOf(locations: readonly Location[], id: string | undefined): Location | undefined {
  return locations.length === 1 ? locations[0] : locations.find((location) => location.id === id);
}

/** Links to the same page for each location. Where there is one alone, there is nothing to choose. */
export function locationTiles(
  view: View,
  locations: readonly Location[],
  chosen: Location | undefined,
  path: string,
): Html {
  if (locations.length < 2) return NOTHING;
  const tile = ({ id, name }: Location) =>
    html`<li><a href="${path}/${id}" data-keep${id === chosen?.id ? html` aria-current="page"` : NOTHING}>${name}</a></li>`;
  return html`<h2>${view.texts.places.title}</h2>
<ul class="tiles">${locations.map(tile)}</ul>
${chosen === undefined ? html`<p>${view.texts.places.choose}</p>` : html`<h2>${chosen.name}</h2>`}`;
}

/** The field of a form in which a location is chosen. */
export function locationField(view: View, locations: readonly Location[], id: string): Html {
  const [first] = locations;
  if (locations.length < 2) return html`<input type="hidden" name="location" value="${first?.id ?? ''}">`;
  return html`<label for="${id}">${view.texts.places.label}</label>
<select id="${id}" name="location">${locations.map((location) => html`<option value="${location.id}">${location.name}</option>`)}</select>`;
}
