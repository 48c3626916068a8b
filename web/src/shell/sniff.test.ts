import { describe, expect, it } from "vitest";
import { kindOf } from "./sniff";

const file = (text: string) =>
  Uint8Array.from(text.padEnd(32, "\0"), (letter) => letter.charCodeAt(0));

describe("kindOf", () => {
  it.each([
    ["\xff\xd8\xff\xe0", "image/jpeg"],
    ["\x89PNG\r\n\x1a\n", "image/png"],
    ["RIFF\x10\0\0\0WEBPVP8 ", "image/webp"],
    ["II*\0\x08", "image/tiff"],
    ["MM\0*\0", "image/tiff"],
    ["BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", "image/bmp"],
    ["GIF89a", "gif"],
    ["\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heic"],
    ["\0\0\0\x20ftypmif1\0\0\0\0heicmif1", "heic"],
    ["\0\0\0\x20ftypavif\0\0\0\0avifmif1", "avif"],
    ["%PDF-1.7", "pdf"],
    ["8BPS\0\x01", "psd"],
    ['<svg xmlns="http://www.w3.org/', "svg"],
    ['<?xml version="1.0"?><svg ', "svg"],
  ])("knows %j", (start, kind) => {
    expect(kindOf(file(start))).toBe(kind);
  });

  it("knows nothing of texts, films and nothing at all", () => {
    expect(kindOf(file("BMW is a maker of cars, in Munich"))).toBeNull();
    expect(kindOf(file("RIFF\x10\0\0\0WAVEfmt "))).toBeNull();
    expect(kindOf(file("\0\0\0\x18ftypmp42\0\0\0\0isom"))).toBeNull();
    expect(kindOf(new Uint8Array())).toBeNull();
  });
});
