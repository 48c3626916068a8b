import { readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";

// The server that `npm run dev` passes the API's calls to.
const SERVER = process.env.OVERPAINT_SERVER ?? "http://127.0.0.1:8000";

const versions = readFileSync(new URL("../src/overpaint/_version.py", import.meta.url), "utf8");
const VERSION = /__version__ = "(.+)"/.exec(versions)?.[1];
if (!VERSION) throw new Error("_version.py names no version");
// By the name that the browser uses: the server takes a session from its own page alone.
const PASSED = { target: SERVER, changeOrigin: false };

export default defineConfig({
  define: { __VERSION__: JSON.stringify(VERSION) },
  build: {
    outDir: "../src/overpaint/server/page",
    emptyOutDir: true,
    assetsDir: "assets",
    // Every file by its own address: the content security policy allows no data: scripts or styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    // light-dark() and nesting stay as they are written.
    cssTarget: ["chrome123", "edge123", "firefox120", "safari17.5"],
    reportCompressedSize: false,
  },
  server: { proxy: { "/api": PASSED, "/sign-in": PASSED, "/sign-out": PASSED } },
  test: { include: ["src/**/*.test.ts"], environment: "node", pool: "threads" },
});
