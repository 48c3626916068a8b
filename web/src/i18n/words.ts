/** How words are kept: one table an area and language; a missing entry does not compile. */

/** Same keys; text for text, a function of the same values for a function. */
export type Translation<T> = {
  [K in keyof T]: T[K] extends (...values: infer V) => string ? (...values: V) => string : string;
};
