/** A finding's reason in words. The words are the server's: one place makes them, in both languages. */

import type { Language } from '../words/words';

interface Finding {
  says: { en: string; th: string };
}

/** Why a finding was made, and what would have kept it from being made. */
export function sentence(finding: Finding, language: Language): string {
  return finding.says[language];
}
