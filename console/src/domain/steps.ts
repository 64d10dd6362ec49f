/** A response written as `1. Do this. 2. Do that.` becomes its steps; anything else is one step. */
export function steps(text: string): string[] {
  const parts = text.split(/(?:^|\s)\d{1,2}\.\s+/).map((part) => part.trim()).filter(Boolean);
  return parts.length > 0 ? parts : [text];
}
