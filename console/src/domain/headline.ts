/** The one figure that an offence is about, with what it is held against: a speed, heads, seconds, people, a distance. */

import { number, plain, unit } from '../format/number';
import { span } from '../format/time';
import { say, type Language } from '../words/words';
import type { Violation } from '../api/types';

export interface Headline {
  figure: string;
  caption: string;
  /** Where the limit lies on the way to the figure, 0 to 1; only for speeds, which have a bar. */
  share?: number;
  /** How much over the limit, with its unit. */
  over?: string;
}

export function headline(violation: Violation, language: Language): Headline {
  const input = (name: string): number | null => {
    const value = violation.because.inputs?.[name];
    return typeof value === 'number' && Number.isFinite(value) ? value : null;
  };
  const seconds = (name: string) => span((input(name) ?? 0) * 1000, language);
  switch (violation.offence) {
    case 'red_light': {
      const after_s = input('red_s') ?? violation.because.measured;
      return { figure: `${number(after_s, 1)} ${say('seconds', language)}`, caption: say('head_red', language) };
    }
    case 'wrong_way': {
      const speed_kmh = input('speed_kmh') ?? violation.because.measured;
      return { figure: number(speed_kmh), caption: say('head_against', language, { unit: unit('km/h', language) }) };
    }
    case 'no_helmet':
      return { figure: `${number(input('bare_heads') ?? violation.because.measured)} / ${number(input('riders'))}`, caption: say('head_bare', language) };
    case 'overloaded':
      return {
        figure: number(input('riders') ?? violation.because.measured),
        caption: say('head_riders', language, { most: number(input('max_riders') ?? violation.because.limit) }),
      };
    case 'illegal_stopping': {
      const most = input('max_dwell_s') === null ? span(violation.because.limit * 1000, language) : seconds('max_dwell_s');
      return { figure: span((input('dwell_s') ?? violation.because.measured) * 1000, language), caption: say('limit', language, { limit: most }) };
    }
    case 'cloned_plate': {
      const distance_m = input('distance_m');
      return { figure: `${number(distance_m === null ? null : distance_m / 1000, (distance_m ?? 0) < 10_000 ? 1 : 0)} ${say('kilometres', language)}`, caption: say('head_within', language, { span: seconds('travel_s') }) };
    }
    default:
      return measured(violation, language);
  }
}

function measured({ because }: Violation, language: Language): Headline {
  const caption = say('limit', language, { limit: plain(because.limit) });
  if (because.unit !== 'km/h') return { figure: plain(because.measured), caption };
  const over = because.measured - because.limit;
  return {
    figure: number(because.measured), caption, share: Math.min(1, because.limit / Math.max(because.measured, 1)),
    over: `+${plain(Math.round(over * 10) / 10)} ${unit(because.unit, language)}`,
  };
}
