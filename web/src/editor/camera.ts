/** Where the picture lies in the view. */
import type { Point, Rect } from "../state/types";
import type { Camera } from "./values";

export const MOST_SCALE = 32;
/** What `fit` zooms to at most. */
const MOST_FIT = 2;
/** From more device px a pixel than this on, single pixels are to be seen. */
export const CRISP_SCALE = 3;
const STEPS = [
  0.0625, 0.125, 0.1667, 0.25, 0.3333, 0.5, 0.6667, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32,
];
/** CSS px of the picture that stay in the view, at least. */
const HOLD = 48;

export interface Size {
  width: number;
  height: number;
}

/** The whole picture, in the middle of `room`; small ones are not blown up beyond MOST_FIT. */
export function fitCamera(picture: Size, room: Rect): Camera {
  const scale = Math.min(room.width / picture.width, room.height / picture.height, MOST_FIT);
  return centred(picture, room, Math.max(scale, 1e-3));
}

export function centred(picture: Size, room: Rect, scale: number): Camera {
  return {
    scale,
    x: Math.round(room.x + (room.width - picture.width * scale) / 2),
    y: Math.round(room.y + (room.height - picture.height * scale) / 2),
  };
}

/** The smallest scale: half of what fits, and small enough for 100 % on the densest screens. */
export function leastScale(picture: Size, room: Rect): number {
  return Math.min(fitCamera(picture, room).scale / 2, 0.25);
}

/** Another scale, with what is at `at` (view px) staying there. */
export function zoomed(
  camera: Camera,
  scale: number,
  at: Point,
  picture: Size,
  room: Rect,
): Camera {
  const next = Math.min(MOST_SCALE, Math.max(leastScale(picture, room), scale));
  const ratio = next / camera.scale;
  const moved = {
    scale: next,
    x: at.x - (at.x - camera.x) * ratio,
    y: at.y - (at.y - camera.y) * ratio,
  };
  return held(moved, picture, room);
}

/** The same camera, with some of the picture in the view. */
export function held(camera: Camera, picture: Size, room: Rect): Camera {
  const { scale } = camera;
  const width = picture.width * scale;
  const height = picture.height * scale;
  const [holdX, holdY] = [Math.min(HOLD, width), Math.min(HOLD, height)];
  return {
    scale,
    x: clamp(camera.x, room.x + holdX - width, room.x + room.width - holdX),
    y: clamp(camera.y, room.y + holdY - height, room.y + room.height - holdY),
  };
}

/** The next round scale in or out. */
export function nextScale(scale: number, direction: 1 | -1): number {
  const steps = direction > 0 ? STEPS : STEPS.toReversed();
  const next = steps.find((step) => (step - scale) * direction > scale * 0.01);
  return next ?? scale * (direction > 0 ? 1.5 : 1 / 1.5);
}

export function toPicture(camera: Camera, at: Point): Point {
  return { x: (at.x - camera.x) / camera.scale, y: (at.y - camera.y) / camera.scale };
}

export function toView(camera: Camera, at: Point): Point {
  return { x: at.x * camera.scale + camera.x, y: at.y * camera.scale + camera.y };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), Math.max(least, most));
}
