/** Colours of the map in both themes. Device types differ by shape first; the colour repeats what the shape says. */

import type { Theme } from '../state/preferences.svelte';
import type { DeviceType, Priority } from '../api/types';

export interface Palette {
  sea: string;
  mainland: string;
  land: string;
  coast: string;
  border: string;
  district: string;
  road: string;
  roadMinor: string;
  roadCasing: string;
  label: string;
  labelQuiet: string;
  halo: string;
  symbolEdge: string;
  silent: string;
  never: string;
  marked: string;
  types: Record<DeviceType, string>;
  priorities: Record<Priority, string>;
}

export const PALETTES: Record<Theme, Palette> = {
  dark: {
    sea: '#0a141c', mainland: '#121f28', land: '#1b2c36', coast: '#456676', border: '#2c4350', district: '#476474',
    road: '#6f8996', roadMinor: '#516a77', roadCasing: '#15232c', label: '#d3e0e6', labelQuiet: '#a9bcc6', halo: '#13202a',
    symbolEdge: '#0a141c', silent: '#ff8f6b', never: '#8b9ba4', marked: '#f4fbfc',
    types: { camera: '#5ed3cb', air: '#b9a5ff', noise: '#f0a5d0', weather: '#ffd479', rain: '#7db9ff', water: '#4f9dff' },
    priorities: { critical: '#ff5b50', high: '#ff9d3c', medium: '#f5d547', low: '#8fb7d6' },
  },
  light: {
    sea: '#cfe0e8', mainland: '#e4e8e6', land: '#f7f7f3', coast: '#8fabb8', border: '#c9d3d6', district: '#9fb1b8',
    road: '#9aa8ae', roadMinor: '#b9c4c8', roadCasing: '#ffffff', label: '#1b2b34', labelQuiet: '#51646e', halo: '#fbfbf8',
    symbolEdge: '#ffffff', silent: '#b3330f', never: '#6a7a83', marked: '#0b1a22',
    types: { camera: '#00736d', air: '#5b3fc4', noise: '#a82a78', weather: '#8a5b00', rain: '#1763b8', water: '#0b4bb3' },
    priorities: { critical: '#c3140b', high: '#b35300', medium: '#7d6500', low: '#3d6a8a' },
  },
};
