/** What can be done with the result that is looked at; floats over the stage. */
export function ResultBar() {
  return null;
}
