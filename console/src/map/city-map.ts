/** MapLibre's only home: the map as the page uses it. */

import { LngLatBounds, Map as GlMap, setWorkerUrl, type GeoJSONSource } from 'maplibre-gl';
import 'maplibre-gl/dist/maplibre-gl.css';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import type { City, Device, DeviceState, Priority } from '../api/types';
import type { Theme } from '../state/preferences.svelte';
import type { Language } from '../words/words';
import { deviceFeatures, fingerprint } from './features';
import { PALETTES } from './palette';
import { Pulses } from './pulses';
import { FONT, NO_FEATURES, style } from './style';
import { images, PIXELS } from './symbols';

// A worker of our own origin: the Content-Security-Policy needs no blob: for it.
setWorkerUrl(workerUrl);

/** The city with some sea around it; the map cannot be lost beyond. */
const ROOM_DEG = 0.35;
/** The search field lies over the top of the map, the credits over its foot. */
const HOME_PADDING_PX = { top: 64, right: 20, bottom: 36, left: 20 };
/** Close enough to tell the cameras of a junction apart. */
const CLOSE_ZOOM = 14;
/** Pixels around a click within which a symbol is meant. */
const CLICK_PX = 9;

export interface Callbacks {
  onDevice(id: string): void;
  /** The whole city has been drawn for the first time. */
  onDrawn(): void;
  onFailure(): void;
}

export class CityMap {
  readonly #map: GlMap;
  readonly #pulses: Pulses;
  readonly #places = new Map<string, [number, number]>();
  readonly #home: LngLatBounds;
  #shown = '';
  #devices: readonly Device[] = [];
  #stateOf: (device: Device) => DeviceState = () => 'never';
  #alarms: ReadonlyMap<string, Priority> = new Map();
  #marked: string | null = null;

  constructor(
    container: HTMLElement, overlay: HTMLCanvasElement, private readonly city: City,
    private theme: Theme, private language: Language, callbacks: Callbacks,
  ) {
    this.#home = home(city);
    const [west, south, east, north] = [
      this.#home.getWest(), this.#home.getSouth(), this.#home.getEast(), this.#home.getNorth(),
    ];
    this.#map = new GlMap({
      container,
      style: style(city, PALETTES[theme], language),
      bounds: this.#home,
      fitBoundsOptions: { padding: HOME_PADDING_PX },
      maxBounds: [west - ROOM_DEG * 3, south - ROOM_DEG, east + ROOM_DEG * 3, north + ROOM_DEG],
      minZoom: 8.2,
      maxZoom: 17.5,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      fadeDuration: 0,
      refreshExpiredTiles: false,
    });
    this.#map.touchZoomRotate.disableRotation();
    this.#map.keyboard.disableRotation();
    this.#pulses = new Pulses(overlay, (device) => {
      const place = this.#places.get(device);
      // A ring belongs to its camera: while the city moves beneath, there are none.
      return place && !this.#map.isMoving() ? this.#map.project(place) : undefined;
    });
    this.#pulses.colour = PALETTES[theme].types.camera;
    this.#listen(container, callbacks);
  }

  #listen(container: HTMLElement, callbacks: Callbacks): void {
    const map = this.#map;
    map.on('styledata', () => this.#addImages());
    map.on('load', () => this.#refill());
    map.once('idle', () => callbacks.onDrawn());
    map.on('click', (event) => {
      const { x, y } = event.point;
      const hits = map.queryRenderedFeatures([[x - CLICK_PX, y - CLICK_PX], [x + CLICK_PX, y + CLICK_PX]], { layers: ['devices'] });
      let nearest: string | undefined;
      let least = Infinity;
      for (const hit of hits) {
        const id = String(hit.properties['id']);
        const place = this.#places.get(id);
        if (!place) continue;
        const spot = map.project(place);
        const distance = (spot.x - x) ** 2 + (spot.y - y) ** 2;
        if (distance < least) [least, nearest] = [distance, id];
      }
      if (nearest) callbacks.onDevice(nearest);
    });
    map.on('mousemove', 'devices', () => { map.getCanvas().style.cursor = 'pointer'; });
    map.on('mouseleave', 'devices', () => { map.getCanvas().style.cursor = ''; });
    map.on('webglcontextlost', () => callbacks.onFailure());
    map.on('move', () => this.#pulses.clear());
    map.on('resize', () => this.#pulses.resize(container.clientWidth, container.clientHeight));
    this.#pulses.resize(container.clientWidth, container.clientHeight);
  }

  #addImages(): void {
    for (const [name, image] of images(PALETTES[this.theme])) {
      if (!this.#map.hasImage(name)) this.#map.addImage(name, image, { pixelRatio: PIXELS });
    }
  }

  /** Draw in another theme or language. */
  dress(theme: Theme, language: Language): void {
    if (theme === this.theme && language === this.language) return;
    this.theme = theme;
    this.language = language;
    this.#pulses.colour = PALETTES[theme].types.camera;
    this.#map.setStyle(style(this.city, PALETTES[theme], language), { diff: false });
    this.#map.once('style.load', () => this.#refill());
  }

  show(devices: readonly Device[], stateOf: (device: Device) => DeviceState, alarms: ReadonlyMap<string, Priority>): void {
    this.#devices = devices;
    this.#stateOf = stateOf;
    this.#alarms = alarms;
    const now = fingerprint(devices, stateOf, alarms);
    if (now === this.#shown) return;
    this.#shown = now;
    for (const device of devices) this.#places.set(device.id, [device.lon, device.lat]);
    this.#source('devices')?.setData(deviceFeatures(devices, stateOf, alarms));
  }

  mark(device: string | null): void {
    this.#marked = device;
    const place = device ? this.#places.get(device) : undefined;
    this.#source('marked')?.setData(place ? {
      type: 'FeatureCollection',
      features: [{ type: 'Feature', geometry: { type: 'Point', coordinates: place }, properties: {} }],
    } : NO_FEATURES);
  }

  /** A new style starts empty: put everything back. */
  #refill(): void {
    this.#addImages();
    this.#source('devices')?.setData(deviceFeatures(this.#devices, this.#stateOf, this.#alarms));
    this.mark(this.#marked);
  }

  #source(name: string): GeoJSONSource | undefined {
    return this.#map.getSource(name) as GeoJSONSource | undefined;
  }

  pulse(device: string): void {
    if (!document.hidden) this.#pulses.add(device);
  }

  fly(device: string, padding: { left?: number; bottom?: number } = {}): void {
    const place = this.#places.get(device);
    if (!place) return;
    const camera = {
      center: place,
      zoom: Math.max(this.#map.getZoom(), CLOSE_ZOOM),
      padding: { top: 0, right: 0, left: padding.left ?? 0, bottom: padding.bottom ?? 0 },
    };
    if (reducedMotion()) this.#map.jumpTo(camera);
    else this.#map.easeTo({ ...camera, duration: 700 });
  }

  whole(): void {
    this.#map.fitBounds(this.#home, { padding: HOME_PADDING_PX, animate: !reducedMotion(), duration: 600 });
  }

  zoom(by: number): void {
    this.#map.easeTo({ zoom: this.#map.getZoom() + by, duration: reducedMotion() ? 0 : 200 });
  }

  still(yes: boolean): void {
    this.#pulses.still = yes;
  }

  remove(): void {
    this.#map.remove();
  }
}

export function reducedMotion(): boolean {
  return window.matchMedia('(prefers-reduced-motion: reduce)').matches;
}

/** MapLibre draws text with the fonts it finds loaded; so wait for ours. */
export async function fontsReady(): Promise<void> {
  await Promise.allSettled([
    document.fonts.load(`16px "${FONT}"`, 'Phuket'),
    document.fonts.load(`16px "${FONT}"`, 'ภูเก็ต'),
  ]);
}

function home(city: City): LngLatBounds {
  const bounds = new LngLatBounds();
  for (const zone of city.zones) bounds.extend([zone.lon, zone.lat]);
  if (bounds.isEmpty()) bounds.extend([city.lon, city.lat]);
  // Zone points are centres; half a sub-district more on every side shows the whole coast.
  return new LngLatBounds(
    [bounds.getWest() - 0.03, bounds.getSouth() - 0.045], [bounds.getEast() + 0.03, bounds.getNorth() + 0.045]);
}
