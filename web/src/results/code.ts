/** A wish as a program: curl, Python and Java, with the files beside it. Pure text in, text out. */
import type { Style, Wish } from "../state/types";

export type CodeLanguage = "curl" | "python" | "java";

/** One file that the program reads: which field it is, its name in the folder, its media type. */
export interface OrderFile {
  field: "base" | "mask" | "reference" | "sketch";
  name: string;
  type: string;
}

type Value = string | number | bigint | boolean | string[];

/** What is asked for, in the API's names. */
export interface Order {
  model: string;
  prompt: string;
  negative: string;
  files: OrderFile[];
  parameters: Array<[name: string, value: Value]>;
}

export interface OrderDetails {
  model: string;
  /** Media types of the pictures, as their bytes say. */
  baseType: string;
  referenceType?: string;
  /** The mask has levels between. */
  soft: boolean;
  /** Of one picture of a run; without it, what the wish says. */
  seed?: string;
  n?: number;
}

const EXTENSIONS: Record<string, string> = {
  "image/jpeg": "jpg",
  "image/png": "png",
  "image/webp": "webp",
  "image/bmp": "bmp",
  "image/tiff": "tiff",
};

export function extensionOf(type: string): string {
  return EXTENSIONS[type] ?? "png";
}

export function orderOf(wish: Wish, details: OrderDetails): Order {
  const files: OrderFile[] = [
    file("base", "picture", details.baseType),
    file("mask", "mask", "image/png"),
  ];
  if (wish.reference) {
    files.push(file("reference", "reference", details.referenceType ?? wish.reference.bytes.type));
  }
  if (wish.useSketch) files.push(file("sketch", "sketch", "image/png"));
  const seed = details.seed ?? wish.seed;
  const n = details.n ?? wish.n;
  const parameters: Order["parameters"] = [
    ["size", wish.size],
    ["n", n],
  ];
  if (/^\d+$/.test(seed)) parameters.push(["seed", BigInt(seed)]);
  if (wish.style !== "auto") parameters.push(["style", `<${wish.style satisfies Style}>`]);
  if (wish.palette.length > 0) parameters.push(["palette", wish.palette]);
  if (wish.strength > 0) parameters.push(["strength", wish.strength]);
  if (wish.guidance > 1) parameters.push(["guidance", wish.guidance]);
  if (wish.steps) parameters.push(["steps", Number(wish.steps)]);
  if (wish.feather !== null) parameters.push(["feather", wish.feather]);
  if (details.soft) parameters.push(["soft_mask", true]);
  if (wish.watermark) parameters.push(["watermark", true]);
  const model = wish.model || details.model;
  return { model, prompt: wish.prompt, negative: wish.negative, files, parameters };
}

function file(field: OrderFile["field"], stem: string, type: string): OrderFile {
  return {
    field,
    name: `${stem}.${extensionOf(type)}`,
    type: EXTENSIONS[type] ? type : "image/png",
  };
}

/** The program. `origin` is the server's address, "https://host:8000". */
export function codeFor(language: CodeLanguage, order: Order, origin: string): string {
  const api = `${origin}/api/v1`;
  if (language === "python") return python(order, api);
  if (language === "java") return java(order, api);
  return curl(order, api);
}

const FIELDS: Record<OrderFile["field"], string> = {
  base: "base_image_url",
  mask: "mask_image_url",
  reference: "reference_image_url",
  sketch: "sketch_image_url",
};

/** JSON that is the same in every program: control characters and lone halves escaped. */
function json(value: Value): string {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map((one) => JSON.stringify(one)).join(", ")}]`;
  return JSON.stringify(value);
}

/** A word of a shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function curl(order: Order, api: string): string {
  const input = [`"prompt": ${json(order.prompt)}`];
  if (order.negative) input.push(`"negative_prompt": ${json(order.negative)}`);
  const pictures = order.files.map(
    ({ field, name, type }) => `  picture ${FIELDS[field]} ${type} ./${name}`,
  );
  const parameters = order.parameters.map(([name, value]) => `"${name}": ${json(value)}`);
  return `api=${quoted(api)}
auth="Authorization: Bearer $DASHSCOPE_API_KEY"

picture() {  # field, type, file: as a data: URL
  printf ', "%s": "data:%s;base64,%s"' "$1" "$2" "$(base64 < "$3" | tr -d '\\n')"
}

task=$({
  printf '%s' ${quoted(`{"model": ${json(order.model)}, "input": {${input.join(", ")}`)}
${pictures.join("\n")}
  printf '%s' ${quoted(`}, "parameters": {${parameters.join(", ")}}}`)}
} | curl -sS "$api/services/aigc/image2image/image-synthesis" \\
  -H "$auth" -H 'X-DashScope-Async: enable' -H 'Content-Type: application/json' \\
  --data-binary @- | tee /dev/stderr | sed -n 's/.*"task_id": *"\\([^"]*\\)".*/\\1/p')

while answer=$(curl -sS -H "$auth" "$api/tasks/$task") &&
  printf '%s' "$answer" | grep -qE '"task_status": *"(PENDING|RUNNING)"'; do sleep 1; done

printf '%s\\n' "$answer"
printf '%s' "$answer" | grep -oE '"url": *"[^"]*"' | cut -d '"' -f 4 |
  while read -r url; do curl -sS -O "$url"; done
`;
}

function python(order: Order, api: string): string {
  const named: Array<[string, string]> = [
    ["model", json(order.model)],
    ["task", '"image2image"'],
    ["prompt", json(order.prompt)],
  ];
  if (order.negative) named.push(["negative_prompt", json(order.negative)]);
  for (const { field, name } of order.files) {
    // The package uploads the files of these arguments; it has no other name for a reference.
    named.push([field === "reference" ? "ref_img" : FIELDS[field], json(`./${name}`)]);
  }
  for (const [name, value] of order.parameters) {
    named.push([name, value === true ? "True" : json(value)]);
  }
  return `# pip install dashscope; the key is read from $DASHSCOPE_API_KEY
from pathlib import PurePosixPath
from urllib.parse import urlparse
from urllib.request import urlretrieve

import dashscope

dashscope.base_http_api_url = ${json(api)}

answer = dashscope.ImageSynthesis.call(
${named.map(([name, value]) => `    ${name}=${value},`).join("\n")}
)
if answer.status_code != 200 or answer.output.task_status != "SUCCEEDED":
    raise SystemExit(answer)
for result in answer.output.results:
    if result.get("url"):
        name = PurePosixPath(urlparse(result.url).path).name
        urlretrieve(result.url, name)
        print(name, result.get("seed"))
`;
}

function java(order: Order, api: string): string {
  const steps = [`.model(${json(order.model)})`, `.prompt(${json(order.prompt)})`];
  if (order.negative) steps.push(`.negativePrompt(${json(order.negative)})`);
  for (const { field, name, type } of order.files) {
    // The package uploads base and mask; the other pictures travel in the request itself.
    if (field === "base") steps.push(`.baseImageUrl(local(${json(name)}))`);
    else if (field === "mask") steps.push(`.maskImageUrl(local(${json(name)}))`);
    else steps.push(`.extraInput(${json(FIELDS[field])}, inline(${json(type)}, ${json(name)}))`);
  }
  for (const [name, value] of order.parameters) {
    steps.push(`.parameter(${json(name)}, ${javaValue(value)})`);
  }
  const inlines = order.files.some(({ field }) => field !== "base" && field !== "mask");
  const lists = order.parameters.some(([, value]) => Array.isArray(value));
  return `// com.alibaba:dashscope-sdk-java; the key is read from $DASHSCOPE_API_KEY. Save as UTF-8: Repaint.java
import com.alibaba.dashscope.aigc.imagesynthesis.ImageSynthesis;
import com.alibaba.dashscope.aigc.imagesynthesis.ImageSynthesisParam;
import com.alibaba.dashscope.aigc.imagesynthesis.ImageSynthesisResult;
import com.alibaba.dashscope.utils.Constants;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
${inlines ? "import java.util.Base64;\n" : ""}${lists ? "import java.util.List;\n" : ""}import java.util.Map;

public class Repaint {
    public static void main(String[] args) throws Exception {
        Constants.baseHttpApiUrl = ${json(api)};
        ImageSynthesisParam param = ImageSynthesisParam.builder()
${steps.map((step) => `                ${step}`).join("\n")}
                .build();
        ImageSynthesisResult answer = new ImageSynthesis("image2image").call(param);
        if (!"SUCCEEDED".equals(answer.getOutput().getTaskStatus())) {
            throw new IllegalStateException(answer.toString());
        }
        for (Map<String, String> result : answer.getOutput().getResults()) {
            if (result.get("url") == null) continue;
            URI url = URI.create(result.get("url"));
            Path name = Path.of(url.getPath()).getFileName();
            try (InputStream bytes = url.toURL().openStream()) {
                Files.copy(bytes, name, StandardCopyOption.REPLACE_EXISTING);
            }
            System.out.println(name + " " + result.get("seed"));
        }
    }

    /** The package uploads what a file: URL names. */
    private static String local(String name) {
        return Path.of(name).toAbsolutePath().toUri().toString();
    }
${
  inlines
    ? `
    private static String inline(String type, String name) throws Exception {
        byte[] bytes = Files.readAllBytes(Path.of(name));
        return "data:" + type + ";base64," + Base64.getEncoder().encodeToString(bytes);
    }
`
    : ""
}}
`;
}

function javaValue(value: Value): string {
  if (typeof value === "bigint") return `${value}L`;
  if (Array.isArray(value)) return `List.of(${value.map((one) => JSON.stringify(one)).join(", ")})`;
  return json(value);
}
