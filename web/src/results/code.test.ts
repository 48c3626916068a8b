import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { orderBody } from "../runs/order";
import { EMPTY_WISH, type Wish } from "../state/types";
import { codeFor, extensionOf, orderOf } from "./code";

const run = promisify(execFile);
const has = (program: string, flag: string) => spawnSync(program, [flag]).status === 0;

const NASTY = [
  'a "red" cat\'s hat',
  "back\\slash \\n \\u0041 \\$HOME",
  "$HOME `id` $(id) %s !! ; & | < > {x} $" + "{y}",
  "两行\n第二行\t制表\r回车",
  "🐱👒 é \u2028 \u0007 ''' \"\"\" */ // # -- \\",
].join(" / ");

const details = { model: "wanx-x-painting", baseType: "image/jpeg", soft: false };

function asked(changes: Partial<Wish>): Wish {
  return { ...EMPTY_WISH, ...changes };
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "overpaint-code-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("an order", () => {
  it("leaves out what is as the server has it by itself", () => {
    const order = orderOf(asked({ prompt: "a hat" }), details);
    expect(order.parameters).toEqual([
      ["size", "original"],
      ["n", 1],
    ]);
    expect(order.files.map((file) => file.name)).toEqual(["picture.jpg", "mask.png"]);
    expect(order.model).toBe("wanx-x-painting");
  });

  it("has everything else that is asked for, with a seed of any size exact", () => {
    const bytes = new Blob(["x"], { type: "image/webp" });
    const order = orderOf(
      asked({
        model: "draft",
        prompt: "a hat",
        style: "oil painting",
        seed: "9223372036854775807",
        n: 3,
        palette: ["#b93a27", "#ffffff"],
        strength: 0.5,
        guidance: 4,
        feather: 0,
        watermark: true,
        useSketch: true,
        reference: { id: "1", name: "hat.webp", bytes },
      }),
      { ...details, soft: true },
    );
    expect(order.model).toBe("draft");
    expect(order.files.map((file) => file.name)).toEqual([
      "picture.jpg",
      "mask.png",
      "reference.webp",
      "sketch.png",
    ]);
    expect(Object.fromEntries(order.parameters)).toEqual({
      size: "original",
      n: 3,
      seed: 9223372036854775807n,
      style: "<oil painting>",
      palette: ["#b93a27", "#ffffff"],
      strength: 0.5,
      guidance: 4,
      feather: 0,
      soft_mask: true,
      watermark: true,
    });
  });

  it("is that of one picture of a run where its seed is given", () => {
    const order = orderOf(asked({ n: 4, seed: "1" }), { ...details, seed: "3", n: 1 });
    expect(Object.fromEntries(order.parameters)).toMatchObject({ n: 1, seed: 3n });
  });

  it("names files by their types, unknown ones as PNG", () => {
    expect(extensionOf("image/tiff")).toBe("tiff");
    expect(extensionOf("text/html")).toBe("png");
    expect(orderOf(asked({}), { ...details, baseType: "text/html" }).files[0]?.type).toBe(
      "image/png",
    );
  });
});

const FULL = asked({
  prompt: NASTY,
  negative: `not ${NASTY}`,
  seed: "9223372036854775807",
  palette: ["#b93a27"],
  strength: 0.25,
  steps: "30",
  watermark: true,
  useSketch: true,
  reference: { id: "1", name: "../x", bytes: new Blob(["r"], { type: "image/png" }) },
});
const PARAMETERS = {
  size: "original",
  n: 1,
  seed: "9223372036854775807",
  palette: ["#b93a27"],
  strength: 0.25,
  steps: 30,
  watermark: true,
};

describe("curl", () => {
  it("asks for what the page itself sends", () => {
    const wish = { ...FULL, model: "wanx-x-painting", style: "anime" as const, guidance: 2.5 };
    const urls = { base: "b", mask: "m", reference: "r", sketch: "s" };
    const sent = JSON.parse(orderBody(wish, urls, true));
    delete sent.parameters.output_format; // the server's own default
    const order = orderOf(wish, { ...details, soft: true });
    const mine = order.parameters.map(([name, value]) => [
      name,
      typeof value === "bigint" ? Number(value) : value,
    ]);
    expect(Object.fromEntries(mine)).toEqual(sent.parameters);
    expect(order.prompt).toBe(sent.input.prompt);
    expect(order.negative).toBe(sent.input.negative_prompt);
  });

  it("sends exactly the order to a server, waits, and fetches the pictures", async () => {
    for (const name of ["picture.jpg", "mask.png", "reference.png", "sketch.png"]) {
      writeFileSync(join(folder, name), name.repeat(20_000)); // more than an argument may have
    }
    let body = "";
    let authorization: string | undefined;
    let asks = 0;
    const server = createServer((request, response) => {
      const origin = `http://${request.headers.host}`;
      if (request.method === "POST") {
        authorization = request.headers.authorization;
        request.setEncoding("utf8");
        request.on("data", (part: string) => {
          body += part;
        });
        request.on("end", () => response.end('{"output": {"task_id": "t-1"}}'));
      } else if (request.url === "/api/v1/tasks/t-1") {
        const state = asks++ === 0 ? "PENDING" : "SUCCEEDED";
        response.end(
          `{"output":{"task_status":"${state}","results":[{"url":"${origin}/one.png"},{"url": "${origin}/two.png"}]}}`,
        );
      } else {
        response.end(request.url);
      }
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    try {
      const code = codeFor("curl", orderOf(FULL, details), `http://127.0.0.1:${port}`);
      await run("bash", ["-c", code], {
        cwd: folder,
        env: { ...process.env, DASHSCOPE_API_KEY: "sk-$x y", no_proxy: "*" },
      });
    } finally {
      server.close();
    }
    expect(authorization).toBe("Bearer sk-$x y");
    const sent = JSON.parse(body.replace(/"seed": (\d+)/, '"seed": "$1"'));
    expect(sent.model).toBe("wanx-x-painting");
    expect(sent.input.prompt).toBe(NASTY);
    expect(sent.input.negative_prompt).toBe(`not ${NASTY}`);
    expect(sent.parameters).toEqual(PARAMETERS);
    for (const [field, name, type] of [
      ["base_image_url", "picture.jpg", "image/jpeg"],
      ["mask_image_url", "mask.png", "image/png"],
      ["reference_image_url", "reference.png", "image/png"],
      ["sketch_image_url", "sketch.png", "image/png"],
    ] as const) {
      const [head, data] = sent.input[field].split(",");
      expect(head).toBe(`data:${type};base64`);
      expect(Buffer.from(data, "base64").toString()).toBe(name.repeat(20_000));
    }
    expect(readFileSync(join(folder, "one.png"), "utf8")).toBe("/one.png");
    expect(readFileSync(join(folder, "two.png"), "utf8")).toBe("/two.png");
  });
});

const READ_PYTHON = `
import ast, json, sys
tree = ast.parse(sys.stdin.buffer.read())
compile(tree, "code", "exec")
call = next(n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func).endswith(".call"))
named = {k.arg: ast.literal_eval(k.value) for k in call.keywords}
named["seed"] = str(named["seed"])
print(json.dumps(named))
`;

describe.skipIf(!has("python3", "--version"))("Python", () => {
  it("is a program whose arguments are exactly the order", () => {
    const code = codeFor("python", orderOf(FULL, details), "http://host:8000");
    const done = spawnSync("python3", ["-c", READ_PYTHON], { input: code, encoding: "utf8" });
    expect(done.stderr).toBe("");
    expect(JSON.parse(done.stdout)).toEqual({
      model: "wanx-x-painting",
      task: "image2image",
      prompt: NASTY,
      negative_prompt: `not ${NASTY}`,
      base_image_url: "./picture.jpg",
      mask_image_url: "./mask.png",
      ref_img: "./reference.png",
      sketch_image_url: "./sketch.png",
      ...PARAMETERS,
    });
    expect(code).toContain('dashscope.base_http_api_url = "http://host:8000/api/v1"');
  });
});

/** Stands for the package in the compiler's eyes; prints what the builder was given. */
const PACKAGE: Record<string, string> = {
  "aigc.imagesynthesis.ImageSynthesisParam": `import java.util.*;
public class ImageSynthesisParam {
  public final Map<String, Object> all = new LinkedHashMap<>();
  public static Builder builder() { return new Builder(); }
  public static class Builder {
    private final ImageSynthesisParam param = new ImageSynthesisParam();
    private Builder put(String name, Object value) { param.all.put(name, value); return this; }
    public Builder model(String value) { return put("model", value); }
    public Builder prompt(String value) { return put("prompt", value); }
    public Builder negativePrompt(String value) { return put("negative_prompt", value); }
    public Builder baseImageUrl(String value) { return put("base_image_url", value); }
    public Builder maskImageUrl(String value) { return put("mask_image_url", value); }
    public Builder extraInput(String name, Object value) { return put(name, value); }
    public Builder parameter(String name, Object value) { return put(name, value); }
    public ImageSynthesisParam build() { return param; }
  }
}`,
  "aigc.imagesynthesis.ImageSynthesis": `import java.io.PrintStream;
public class ImageSynthesis {
  public ImageSynthesis(String task) {}
  public ImageSynthesisResult call(ImageSynthesisParam param) throws Exception {
    PrintStream out = new PrintStream(System.out, true, "UTF-8");
    param.all.forEach((name, value) -> {
      StringBuilder hex = new StringBuilder();
      for (char one : value.toString().toCharArray()) hex.append(String.format("%04x", (int) one));
      out.println(name + " " + value.getClass().getSimpleName() + " " + hex);
    });
    System.exit(0);
    return null;
  }
}`,
  "aigc.imagesynthesis.ImageSynthesisResult": `import java.util.*;
public class ImageSynthesisResult {
  public static class Output {
    public String getTaskStatus() { return ""; }
    public List<Map<String, String>> getResults() { return List.of(); }
  }
  public Output getOutput() { return new Output(); }
}`,
  "utils.Constants": "public class Constants { public static String baseHttpApiUrl; }",
};

describe.skipIf(!has("javac", "-version"))("Java", () => {
  it("is a program that gives the builder exactly the order", async () => {
    const sources = Object.entries(PACKAGE).map(([name, text]) => {
      const path = join(folder, `${name.split(".").pop()}.java`);
      const home = name.split(".").slice(0, -1).join(".");
      writeFileSync(path, `package com.alibaba.dashscope.${home};\n${text}`);
      return path;
    });
    const main = join(folder, "Repaint.java");
    writeFileSync(main, codeFor("java", orderOf(FULL, details), "http://host:8000"));
    writeFileSync(join(folder, "reference.png"), "r");
    writeFileSync(join(folder, "sketch.png"), "s");
    await run("javac", [
      "-encoding",
      "UTF-8",
      "-Xlint:all",
      "-Werror",
      "-d",
      folder,
      main,
      ...sources,
    ]);
    const { stdout } = await run("java", ["-cp", folder, "Repaint"], { cwd: folder });
    const given: Record<string, string> = {};
    const kinds: Record<string, string> = {};
    for (const line of stdout.trim().split("\n")) {
      const [name = "", kind = "", hex = ""] = line.split(" ");
      kinds[name] = kind;
      given[name] = (hex.match(/.{4}/g) ?? [])
        .map((unit) => String.fromCharCode(Number.parseInt(unit, 16)))
        .join("");
    }
    expect(given).toMatchObject({
      model: "wanx-x-painting",
      prompt: NASTY,
      negative_prompt: `not ${NASTY}`,
      reference_image_url: "data:image/png;base64,cg==",
      sketch_image_url: "data:image/png;base64,cw==",
      size: "original",
      seed: "9223372036854775807",
      palette: "[#b93a27]",
      strength: "0.25",
      steps: "30",
      watermark: "true",
    });
    expect(given.base_image_url).toMatch(/^file:\/\/\/.*\/picture\.jpg$/);
    expect(given.mask_image_url).toMatch(/^file:\/\/\/.*\/mask\.png$/);
    expect(kinds).toMatchObject({
      seed: "Long",
      n: "Integer",
      steps: "Integer",
      watermark: "Boolean",
    });
  }, 60_000);

  it("imports only what it needs", () => {
    const code = codeFor("java", orderOf(asked({ prompt: "x" }), details), "http://host:8000");
    expect(code).not.toContain("Base64");
    expect(code).not.toContain("java.util.List");
  });
});
