/** Orders: sent, followed, fetched, cancelled, repeated, forgotten. */
import type { Run, Wish } from "../state/types";

/** Send the picture on the table with its mask and wish; what goes wrong is said in the run. */
export async function startRun(_changes: Partial<Wish> = {}): Promise<void> {}

/** The same picture, mask and wish with another seed. */
export async function varyRun(_run: Run): Promise<void> {}

/** The same again, seed and all; a run that never became a task is sent as itself. */
export async function retryRun(_run: Run): Promise<void> {}

export async function cancelRun(_id: string): Promise<void> {}

/** Remove a run and its pictures from this device; one under way is cancelled. */
export async function forgetRun(_id: string): Promise<void> {}

/** Keep it when room is made for others, or no longer. */
export async function starRun(_id: string, _starred: boolean): Promise<void> {}
