/** What a person set for this browser: language and theme. */

import { say, term, type Language, type WordKey } from '../words/words';

export type Theme = 'dark' | 'light';

function remembered<T extends string>(key: string, allowed: readonly T[], otherwise: T): T {
  try {
    const value = localStorage.getItem(key);
    return allowed.find((one) => one === value) ?? otherwise;
  } catch {
    return otherwise; // Storage may be forbidden; the page works without.
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // As above.
  }
}

class Preferences {
  language = $state<Language>(remembered('andaman.language', ['en', 'th'], navigator.language.startsWith('th') ? 'th' : 'en'));
  theme = $state<Theme>(remembered('andaman.theme', ['dark', 'light'], 'dark'));

  setLanguage(language: Language): void {
    this.language = language;
    remember('andaman.language', language);
    this.apply();
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    remember('andaman.theme', theme);
    this.apply();
  }

  apply(): void {
    document.documentElement.lang = this.language;
    document.documentElement.dataset['theme'] = this.theme;
  }
}

export const preferences = new Preferences();

/** The word in the person's language. */
export function t(key: WordKey, places: Record<string, string | number> = {}): string {
  return say(key, preferences.language, places);
}

/** A word of a vocabulary in the person's language. */
export function tt(group: string, word: string): string {
  return term(group, word, preferences.language);
}

/** The name of something that has two, the person's language first. */
export function named(thing: { name_en: string; name_th: string }): string {
  return preferences.language === 'th' ? thing.name_th || thing.name_en : thing.name_en || thing.name_th;
}
