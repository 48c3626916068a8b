import { afterEach, expect, test, vi } from "vitest";
import { copyText } from "./clipboard";

afterEach(() => vi.unstubAllGlobals());

/** A document whose browser lets a page copy by its command, or does not. */
function page(lets: boolean) {
  const copied: string[] = [];
  const target = new EventTarget();
  const execCommand = () => {
    if (!lets) return false;
    const setData = (_: string, text: string) => copied.push(text);
    const event = Object.assign(new Event("copy", { cancelable: true }), {
      clipboardData: { setData },
    });
    return !target.dispatchEvent(event);
  };
  vi.stubGlobal("document", Object.assign(target, { execCommand }));
  return { copied, execCommand };
}

test("text goes to the clipboard where the page is on https", async () => {
  const writeText = vi.fn(async () => {});
  vi.stubGlobal("navigator", { clipboard: { writeText } });
  expect(await copyText("a")).toBe(true);
  expect(writeText).toHaveBeenCalledWith("a");
});

test("on plain http, without a clipboard, the browser's command copies, once", async () => {
  vi.stubGlobal("navigator", {});
  const { copied, execCommand } = page(true);
  expect(await copyText("seed 7")).toBe(true);
  expect(copied).toEqual(["seed 7"]);
  execCommand();
  expect(copied).toEqual(["seed 7"]);
});

test("a browser that lets nothing be copied is believed", async () => {
  vi.stubGlobal("navigator", {});
  const { copied } = page(false);
  expect(await copyText("a")).toBe(false);
  expect(copied).toEqual([]);
});
