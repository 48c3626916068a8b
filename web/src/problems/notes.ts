/** What engines tell the caller, in the page's language. */

/** A note of a run as it is shown; one that is not known stays as the server said it. */
export function noteText(note: string): string {
  return note;
}
