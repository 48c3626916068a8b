/** A picture in halves, quarters ...: what is drawn small is read from a small one, smooth and fast. */

/** Smaller ones than this are not worth having, px. */
const LEAST_SIDE = 128;

export class Mips {
  private readonly smaller: ImageBitmap[] = [];
  private closed = false;
  /** Settles when all of them are there. */
  readonly ready: Promise<void>;

  constructor(private readonly picture: ImageBitmap) {
    this.ready = this.make();
  }

  private async make(): Promise<void> {
    let { width, height } = this.picture;
    let from = this.picture;
    while (Math.max(width, height) / 2 >= LEAST_SIDE) {
      width = Math.max(1, Math.round(width / 2));
      height = Math.max(1, Math.round(height / 2));
      const half = await createImageBitmap(from, {
        resizeWidth: width,
        resizeHeight: height,
        resizeQuality: "medium",
      });
      if (this.closed) return half.close();
      this.smaller.push(half);
      from = half;
    }
  }

  /** The smallest that is not blown up at so many device px a pixel. */
  at(scale: number): ImageBitmap {
    const level = Math.floor(Math.log2(1 / scale) + 1e-6);
    return (level > 0 && this.smaller[Math.min(level, this.smaller.length) - 1]) || this.picture;
  }

  close(): void {
    this.closed = true;
    for (const one of this.smaller) one.close();
    this.smaller.length = 0;
  }
}
