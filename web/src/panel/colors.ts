/** Colours: what they are called, and which of them a picture is made of. */

export type Rgb = [number, number, number];

/** Code, English, Chinese; the names that prompts understand. */
const NAMES: ReadonlyArray<[string, string, string]> = [
  ["#d92525", "red", "红色"],
  ["#722f37", "wine red", "酒红色"],
  ["#a63a2b", "brick red", "砖红色"],
  ["#f48fb1", "pink", "粉色"],
  ["#ff3d94", "hot pink", "玫红色"],
  ["#ffcba4", "peach", "桃色"],
  ["#fa8072", "salmon", "珊瑚色"],
  ["#f5821f", "orange", "橙色"],
  ["#ffb000", "amber", "琥珀色"],
  ["#d4a017", "gold", "金色"],
  ["#f9d71c", "yellow", "黄色"],
  ["#fff3d6", "cream", "奶油色"],
  ["#e3cfaa", "beige", "米色"],
  ["#7b4a26", "brown", "棕色"],
  ["#4e2a16", "chocolate", "深棕色"],
  ["#a4de02", "lime", "黄绿色"],
  ["#2e9e3f", "green", "绿色"],
  ["#0f8a5f", "emerald", "翠绿色"],
  ["#14532d", "dark green", "墨绿色"],
  ["#6b7a1e", "olive", "橄榄绿"],
  ["#98e3c1", "mint", "薄荷绿"],
  ["#0f7c80", "teal", "蓝绿色"],
  ["#30c9c0", "turquoise", "绿松石色"],
  ["#17c3e6", "cyan", "青色"],
  ["#6fc3f2", "sky blue", "天蓝色"],
  ["#1f63d8", "blue", "蓝色"],
  ["#2541b2", "royal blue", "宝蓝色"],
  ["#16244f", "navy blue", "藏青色"],
  ["#3f2b96", "indigo", "靛蓝色"],
  ["#7b2fbf", "purple", "紫色"],
  ["#c3a6ec", "lavender", "淡紫色"],
  ["#d6249f", "magenta", "洋红色"],
  ["#7a2a5c", "plum", "梅子色"],
  ["#1c1c1e", "black", "黑色"],
  ["#3b3f46", "charcoal", "炭灰色"],
  ["#8a8d91", "gray", "灰色"],
  ["#c4c9d0", "silver", "银灰色"],
  ["#f7f7f5", "white", "白色"],
];
const CELLS = 16; // levels a channel is sorted into
const APART = 0.09; // Oklab distance that two proposed colours keep

export function readCode(code: string): Rgb {
  const value = Number.parseInt(code.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

export function writeCode([red, green, blue]: Rgb): string {
  return `#${((red << 16) | (green << 8) | blue).toString(16).padStart(6, "0")}`;
}

const known = NAMES.map(([code, en, zh]) => ({ at: oklab(readCode(code)), en, zh }));

/** What a colour is nearest to. */
export function nameOf(code: string, language: "en" | "zh"): string {
  const at = oklab(readCode(code));
  let best = known[0];
  let least = Number.POSITIVE_INFINITY;
  for (const one of known) {
    const far = distance(at, one.at);
    if (far < least) [best, least] = [one, far];
  }
  return best?.[language] ?? code;
}

/**
 * The colours that a picture is mostly made of, most first, none like another.
 * `pixels` are RGBA, 8 bit; what is see-through does not count.
 */
export function mainColors(pixels: Uint8ClampedArray, count: number): string[] {
  const cells = new Map<number, { sum: Rgb; pixels: number }>();
  for (let at = 0; at + 3 < pixels.length; at += 4) {
    if ((pixels[at + 3] ?? 0) < 128) continue;
    const rgb: Rgb = [pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0];
    const [r, g, b] = rgb.map((level) => Math.floor((level * CELLS) / 256)) as Rgb;
    const key = (r * CELLS + g) * CELLS + b;
    const cell = cells.get(key) ?? { sum: [0, 0, 0], pixels: 0 };
    for (const i of [0, 1, 2] as const) cell.sum[i] += rgb[i];
    cell.pixels += 1;
    cells.set(key, cell);
  }
  const weighed = [...cells.values()].map((cell) => {
    const rgb = cell.sum.map((sum) => Math.round(sum / cell.pixels)) as Rgb;
    const at = oklab(rgb);
    const chroma = Math.hypot(at[1], at[2]);
    // A little of a strong colour is seen more than much gray.
    return { rgb, at, weight: cell.pixels * (0.25 + 6 * chroma) };
  });
  weighed.sort((one, other) => other.weight - one.weight);
  const chosen: typeof weighed = [];
  for (const one of weighed) {
    if (chosen.length === count) break;
    if (chosen.every((other) => distance(one.at, other.at) > APART)) chosen.push(one);
  }
  return chosen.map((one) => writeCode(one.rgb));
}

/** Lightness and the two axes of colour, by Björn Ottosson; https://bottosson.github.io/posts/oklab/ */
function oklab(rgb: Rgb): Rgb {
  const [r, g, b] = rgb.map((level) => {
    const share = level / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function distance(one: Rgb, other: Rgb): number {
  return Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]);
}
