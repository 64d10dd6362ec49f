/**
 * The map's style: everything from our own server, no tiles, no glyphs, no sprites.
 *
 * Without a `glyphs` address MapLibre draws text with the page's own fonts, so Thai is shaped by the browser.
 */

import type { FeatureCollection, Point } from 'geojson';
import type { ExpressionSpecification, LayerSpecification, StyleSpecification, VariableAnchorOffsetCollectionSpecification } from 'maplibre-gl';
import { basemapAddress } from '../api/client';
import type { City } from '../api/types';
import type { Language } from '../words/words';
import type { Palette } from './palette';

export const FONT = 'IBM Plex Sans Thai Looped';
const BASEMAPS = ['context', 'outline', 'districts', 'subdistricts', 'roads', 'places'] as const;

export const NO_FEATURES: FeatureCollection<Point> = { type: 'FeatureCollection', features: [] };

/** District and sub-district names as points, since a polygon cut by tile edges would be named several times. */
function zoneNames(city: City, language: Language): FeatureCollection<Point> {
  return {
    type: 'FeatureCollection',
    features: city.zones.map((zone) => ({
      type: 'Feature',
      geometry: { type: 'Point', coordinates: [zone.lon, zone.lat] },
      properties: { level: zone.level, name: language === 'th' ? zone.name_th : zone.name_en },
    })),
  };
}

export function style(city: City, palette: Palette, language: Language): StyleSpecification {
  const sources: StyleSpecification['sources'] = {
    zones: { type: 'geojson', data: zoneNames(city, language) },
    devices: { type: 'geojson', data: NO_FEATURES },
    marked: { type: 'geojson', data: NO_FEATURES },
  };
  for (const name of BASEMAPS) sources[name] = { type: 'geojson', data: basemapAddress(city.id, name), tolerance: 0.2 };
  return {
    version: 8,
    sources,
    layers: [...ground(palette), ...roads(palette), ...names(palette, language), ...devices(palette)],
  };
}

function ground(palette: Palette): LayerSpecification[] {
  return [
    { id: 'sea', type: 'background', paint: { 'background-color': palette.sea } },
    { id: 'mainland', type: 'fill', source: 'context', paint: { 'fill-color': palette.mainland } },
    { id: 'shallows', type: 'line', source: 'outline',
      paint: { 'line-color': palette.coast, 'line-width': 9, 'line-blur': 9, 'line-opacity': 0.35 } },
    { id: 'land', type: 'fill', source: 'outline', paint: { 'fill-color': palette.land } },
    { id: 'subdistricts', type: 'line', source: 'subdistricts', minzoom: 10.2,
      paint: { 'line-color': palette.border, 'line-width': 1, 'line-dasharray': [3, 2] } },
    { id: 'districts', type: 'line', source: 'districts', paint: { 'line-color': palette.district, 'line-width': 1 } },
    { id: 'coast', type: 'line', source: 'outline', paint: { 'line-color': palette.coast, 'line-width': 1.2 } },
  ];
}

function roads(palette: Palette): LayerSpecification[] {
  const main = ['==', ['get', 'highway'], 'primary'] as ['==', ['get', string], string];
  return [
    { id: 'roads-casing', type: 'line', source: 'roads', layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': palette.roadCasing,
        'line-width': ['interpolate', ['exponential', 1.5], ['zoom'], 9, 2, 12, 5, 16, 18] } },
    { id: 'roads', type: 'line', source: 'roads', layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': ['case', main, palette.road, palette.roadMinor],
        'line-width': ['interpolate', ['exponential', 1.5], ['zoom'], 9, ['case', main, 1.2, 0.7], 12, ['case', main, 2.8, 1.8],
          16, ['case', main, 12, 9]] } },
    { id: 'road-numbers', type: 'symbol', source: 'roads', minzoom: 10.5, filter: ['has', 'ref'],
      layout: { 'symbol-placement': 'line', 'text-field': ['get', 'ref'], 'text-font': [FONT], 'text-size': 11,
        'symbol-spacing': 320, 'text-rotation-alignment': 'viewport', 'text-padding': 6 },
      paint: { 'text-color': palette.labelQuiet, 'text-halo-color': palette.halo, 'text-halo-width': 2 } },
  ];
}

/** Symbols are placed first; a name then takes a free side of its point, farther out if need be, rather than lie under them. */
const AROUND = {
  'text-variable-anchor-offset': [
    'center', [0, 0], 'right', [-1.8, 0], 'left', [1.8, 0], 'top', [0, 1.3], 'bottom', [0, -1.3],
    'top-right', [-2.2, 1.2], 'bottom-right', [-2.2, -1.2], 'top-left', [2.2, 1.2], 'bottom-left', [2.2, -1.2],
  ] as VariableAnchorOffsetCollectionSpecification,
  'text-justify': 'auto' as const,
};

function names(palette: Palette, language: Language): LayerSpecification[] {
  const halo = { 'text-halo-color': palette.halo, 'text-halo-width': 1.6 };
  return [
    { id: 'place-names', type: 'symbol', source: 'places', minzoom: 12.6,
      filter: ['!=', ['get', 'kind'], 'sensor'],
      layout: { 'text-field': ['get', language === 'th' ? 'name_th' : 'name_en'], 'text-font': [FONT], 'text-size': 11.5,
        'text-max-width': 9, 'text-anchor': 'top', 'text-offset': [0, 1.2], 'text-padding': 8 },
      paint: { 'text-color': palette.labelQuiet, ...halo } },
    { id: 'subdistrict-names', type: 'symbol', source: 'zones', minzoom: 10.3, maxzoom: 15,
      filter: ['==', ['get', 'level'], 'subdistrict'],
      layout: { 'text-field': ['get', 'name'], 'text-font': [FONT], 'text-padding': 2, ...AROUND,
        'text-size': ['interpolate', ['linear'], ['zoom'], 10.3, 12, 14, 15] },
      paint: { 'text-color': palette.labelQuiet, ...halo } },
    { id: 'district-names', type: 'symbol', source: 'zones', maxzoom: 10.3, filter: ['==', ['get', 'level'], 'district'],
      layout: { 'text-field': ['get', 'name'], 'text-font': [FONT], 'text-size': 14, 'text-padding': 4,
        'text-allow-overlap': true, ...AROUND },
      paint: { 'text-color': palette.label, ...halo } },
  ];
}

function devices(palette: Palette): LayerSpecification[] {
  const size = (factor: number): ExpressionSpecification => [
    'interpolate', ['linear'], ['zoom'], 9, 0.5 * factor, 11, 0.64 * factor, 13, 0.85 * factor, 15, factor];
  return [
    { id: 'marked', type: 'circle', source: 'marked',
      paint: { 'circle-radius': ['interpolate', ['linear'], ['zoom'], 9, 12, 13, 18], 'circle-color': palette.marked,
        'circle-opacity': 0.16, 'circle-stroke-color': palette.marked, 'circle-stroke-width': 2 } },
    { id: 'devices', type: 'symbol', source: 'devices',
      layout: { 'icon-image': ['get', 'image'], 'icon-size': size(1), 'icon-allow-overlap': true,
        'symbol-sort-key': ['get', 'order'], 'icon-padding': 0 } },
    { id: 'device-names', type: 'symbol', source: 'devices', minzoom: 12.4,
      layout: { 'text-field': ['get', 'label'], 'text-font': [FONT], 'text-size': 11.5, 'text-anchor': 'left',
        'text-offset': [1.1, 0], 'text-padding': 2 },
      paint: { 'text-color': palette.label, 'text-halo-color': palette.halo, 'text-halo-width': 1.6 } },
    { id: 'alarms', type: 'symbol', source: 'devices', filter: ['has', 'alarm'],
      layout: { 'icon-image': ['get', 'alarm'], 'icon-size': size(0.8), 'icon-allow-overlap': true,
        'icon-ignore-placement': true, 'icon-offset': [16, -16], 'symbol-sort-key': ['get', 'order'] } },
  ];
}
