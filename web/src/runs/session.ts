/** Who is signed in and what the server offers. */

/** Load account and models, and whatever is kept of the work; resolves when the page can be shown. */
export async function boot(): Promise<void> {}

/** Sign in with a key; null: it worked, else the code of what is wrong, for `problemText`. */
export async function signIn(_key: string): Promise<import("../state/types").Problem | null> {
  return null;
}

/** End the session and go to the page that asks for a key. */
export async function signOut(): Promise<void> {}
