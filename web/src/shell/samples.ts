/** Pictures to try it with: free ones, that ship with Overpaint (NOTICE names their makers). */

import { signal } from "@preact/signals";
import coffee from "../../../docs/guide/pictures/coffee.jpg";
import rocket from "../../../docs/guide/pictures/rocket.jpg";
import chelsea from "../../../src/overpaint/demo/chelsea.png";
import { t } from "../i18n";
import { say } from "../state/ui";
import { openPicture } from "./picture";
import chelseaThumb from "./samples/chelsea.webp";
import coffeeThumb from "./samples/coffee.webp";
import rocketThumb from "./samples/rocket.webp";

export interface Sample {
  id: "chelsea" | "coffee" | "rocket";
  thumb: string;
  file: string;
  name: string;
}

export const SAMPLES: readonly Sample[] = [
  { id: "chelsea", thumb: chelseaThumb, file: chelsea, name: "chelsea.png" },
  { id: "coffee", thumb: coffeeThumb, file: coffee, name: "coffee.jpg" },
  { id: "rocket", thumb: rocketThumb, file: rocket, name: "rocket.jpg" },
];

/** The sample that is being fetched. */
export const fetching = signal<Sample["id"] | null>(null);

export async function openSample(sample: Sample): Promise<void> {
  if (fetching.value) return;
  fetching.value = sample.id;
  try {
    const answer = await fetch(sample.file);
    if (!answer.ok) throw new Error(answer.statusText);
    const file = new File([await answer.blob()], sample.name);
    await openPicture(file, { kind: "sample", sample: sample.id });
  } catch {
    say("problem", t().shell.sampleGone, { hint: t().shell.unreachableHint });
  } finally {
    fetching.value = null;
  }
}
