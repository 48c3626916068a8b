import{Ft as e,G as t,St as n,X as r,Yt as i,_t as a,gt as o,ht as s,nt as c,qt as l,rt as u,t as d,vt as f,w as p}from"./Dialog-shkFsX39.js";import{n as m,t as h}from"./clipboard-C5ji2tU1.js";import{t as g}from"./download-B9hfb6hH.js";import{n as _}from"./order-B04uC_mb.js";import{o as v}from"./actions-CtU73Hy3.js";var y={name:`check`,size:24,node:[[`path`,{d:`M20 6 9 17l-5-5`,key:`1gmf2c`}]]};y.node;var b=s(y),x={"image/jpeg":`jpg`,"image/png":`png`,"image/webp":`webp`,"image/bmp":`bmp`,"image/tiff":`tiff`};function S(e){return x[e]??`png`}function C(e,t){let n=[w(`base`,`picture`,t.baseType),w(`mask`,`mask`,`image/png`)];e.reference&&n.push(w(`reference`,`reference`,t.referenceType??e.reference.bytes.type)),e.useSketch&&n.push(w(`sketch`,`sketch`,`image/png`));let r=t.seed??e.seed,i=t.n??e.n,a=[[`size`,e.size],[`n`,i]];return/^\d+$/.test(r)&&a.push([`seed`,BigInt(r)]),e.style!==`auto`&&a.push([`style`,`<${e.style}>`]),e.palette.length>0&&a.push([`palette`,e.palette]),e.strength>0&&a.push([`strength`,e.strength]),e.guidance>1&&a.push([`guidance`,e.guidance]),e.steps&&a.push([`steps`,Number(e.steps)]),e.feather!==null&&a.push([`feather`,e.feather]),t.soft&&a.push([`soft_mask`,!0]),e.watermark&&a.push([`watermark`,!0]),{model:e.model||t.model,prompt:e.prompt,negative:e.negative,files:n,parameters:a}}function w(e,t,n){return{field:e,name:`${t}.${S(n)}`,type:x[n]?n:`image/png`}}function T(e,t,n){let r=`${n}/api/v1`;return e===`python`?A(t,r):e===`java`?j(t,r):k(t,r)}var E={base:`base_image_url`,mask:`mask_image_url`,reference:`reference_image_url`,sketch:`sketch_image_url`};function D(e){return typeof e==`bigint`?e.toString():Array.isArray(e)?`[${e.map(e=>JSON.stringify(e)).join(`, `)}]`:JSON.stringify(e)}function O(e){return`'${e.replaceAll(`'`,`'\\''`)}'`}function k(e,t){let n=[`"prompt": ${D(e.prompt)}`];e.negative&&n.push(`"negative_prompt": ${D(e.negative)}`);let r=e.files.map(({field:e,name:t,type:n})=>`  picture ${E[e]} ${n} ./${t}`),i=e.parameters.map(([e,t])=>`"${e}": ${D(t)}`);return`api=${O(t)}
auth="Authorization: Bearer $DASHSCOPE_API_KEY"

picture() {  # field, type, file: as a data: URL
  printf ', "%s": "data:%s;base64,%s"' "$1" "$2" "$(base64 < "$3" | tr -d '\\n')"
}

task=$({
  printf '%s' ${O(`{"model": ${D(e.model)}, "input": {${n.join(`, `)}`)}
${r.join(`
`)}
  printf '%s' ${O(`}, "parameters": {${i.join(`, `)}}}`)}
} | curl -sS "$api/services/aigc/image2image/image-synthesis" \\
  -H "$auth" -H 'X-DashScope-Async: enable' -H 'Content-Type: application/json' \\
  --data-binary @- | tee /dev/stderr | sed -n 's/.*"task_id": *"\\([^"]*\\)".*/\\1/p')

while answer=$(curl -sS -H "$auth" "$api/tasks/$task") &&
  printf '%s' "$answer" | grep -qE '"task_status": *"(PENDING|RUNNING)"'; do sleep 1; done

printf '%s\\n' "$answer"
printf '%s' "$answer" | grep -oE '"url": *"[^"]*"' | cut -d '"' -f 4 |
  while read -r url; do curl -sS -O "$url"; done
`}function A(e,t){let n=[[`model`,D(e.model)],[`task`,`"image2image"`],[`prompt`,D(e.prompt)]];e.negative&&n.push([`negative_prompt`,D(e.negative)]);for(let{field:t,name:r}of e.files)n.push([t===`reference`?`ref_img`:E[t],D(`./${r}`)]);for(let[t,r]of e.parameters)n.push([t,r===!0?`True`:D(r)]);return`# pip install dashscope; the key is read from $DASHSCOPE_API_KEY
from pathlib import PurePosixPath
from urllib.parse import urlparse
from urllib.request import urlretrieve

import dashscope

dashscope.base_http_api_url = ${D(t)}

answer = dashscope.ImageSynthesis.call(
${n.map(([e,t])=>`    ${e}=${t},`).join(`
`)}
)
if answer.status_code != 200 or answer.output.task_status != "SUCCEEDED":
    raise SystemExit(answer)
for result in answer.output.results:
    if result.get("url"):
        name = PurePosixPath(urlparse(result.url).path).name
        urlretrieve(result.url, name)
        print(name, result.get("seed"))
`}function j(e,t){let n=[`.model(${D(e.model)})`,`.prompt(${D(e.prompt)})`];e.negative&&n.push(`.negativePrompt(${D(e.negative)})`);for(let{field:t,name:r,type:i}of e.files)t===`base`?n.push(`.baseImageUrl(local(${D(r)}))`):t===`mask`?n.push(`.maskImageUrl(local(${D(r)}))`):n.push(`.extraInput(${D(E[t])}, inline(${D(i)}, ${D(r)}))`);for(let[t,r]of e.parameters)n.push(`.parameter(${D(t)}, ${M(r)})`);let r=e.files.some(({field:e})=>e!==`base`&&e!==`mask`),i=e.parameters.some(([,e])=>Array.isArray(e));return`// com.alibaba:dashscope-sdk-java; the key is read from $DASHSCOPE_API_KEY. Save as UTF-8: Repaint.java
import com.alibaba.dashscope.aigc.imagesynthesis.ImageSynthesis;
import com.alibaba.dashscope.aigc.imagesynthesis.ImageSynthesisParam;
import com.alibaba.dashscope.aigc.imagesynthesis.ImageSynthesisResult;
import com.alibaba.dashscope.utils.Constants;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
${r?`import java.util.Base64;
`:``}${i?`import java.util.List;
`:``}import java.util.Map;

public class Repaint {
    public static void main(String[] args) throws Exception {
        Constants.baseHttpApiUrl = ${D(t)};
        ImageSynthesisParam param = ImageSynthesisParam.builder()
${n.map(e=>`                ${e}`).join(`
`)}
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
${r?`
    private static String inline(String type, String name) throws Exception {
        byte[] bytes = Files.readAllBytes(Path.of(name));
        return "data:" + type + ";base64," + Base64.getEncoder().encodeToString(bytes);
    }
`:``}}
`}function M(e){return typeof e==`bigint`?`${e}L`:Array.isArray(e)?`List.of(${e.map(e=>JSON.stringify(e)).join(`, `)})`:D(e)}async function N(){let e=n.peek(),t=a.peek(),r=e?.run,i=r?.wish??_(u.peek(),c.peek(),``),o=r?await p(r.baseId):t?.bytes;if(!o)return null;let s=t&&(!r||r.baseId===t.id)?t.type:o.type,l=r?null:await f.maskBlob(),d=r?await p(r.maskId):l?.blob??null,m=r?r.sketchId&&await p(r.sketchId):i.useSketch&&await f.sketchBlob(),h=C({...i,useSketch:!!m},{model:i.model,baseType:s,soft:r?r.soft:l?.soft??!1,...e?{seed:e.result.seed,n:1}:{}}),g={base:o,mask:d,reference:i.reference?.bytes,sketch:m};return{order:h,files:h.files.flatMap(({field:e,name:t})=>{let n=g[e];return n?[{name:t,bytes:n}]:[]}),exact:!!e}}var P=[`curl`,`python`,`java`];function F({onClose:n}){let a=e().results,[s,c]=l(`curl`),[u,f]=l(`reading`),[p,_]=l(!1);if(i(()=>{N().then(f,()=>f(null))},[]),i(()=>{if(!p)return;let e=setTimeout(()=>_(!1),2e3);return()=>clearTimeout(e)},[p]),u===`reading`)return null;let y=u&&T(s,u.order,location.origin),x=u?.files.some(e=>e.name===`mask.png`);return o(d,{title:a.codeTitle,onClose:n,wide:!0,actions:y&&o(r,{icon:p?b:m,kind:`primary`,onClick:async()=>{await h(y)?_(!0):I()},children:p?a.codeCopied:a.copyCode}),children:!u||!y?o(`p`,{children:a.noPicture}):o(`div`,{class:`results-form`,children:[o(`p`,{class:`results-say`,children:u.exact?a.codeOfResult:a.codeOfWish}),o(t,{label:a.codeTitle,value:s,options:P.map(e=>({value:e,label:a[e]})),onChange:c}),o(`section`,{class:`results-code`,tabIndex:0,"aria-label":a[s],children:o(`pre`,{id:`results-code`,children:o(`code`,{translate:!1,children:y})})}),o(`div`,{children:[o(`h3`,{class:`results-heading`,children:a.files}),!x&&o(`p`,{class:`results-say`,children:a.noMask}),o(`ul`,{class:`results-files`,children:u.files.map(({name:e,bytes:t})=>o(`li`,{children:o(r,{icon:g,"aria-label":a.file(e),onClick:()=>v(t,e),children:e})},e))})]}),o(`p`,{class:`results-say`,children:[a.key,` `,o(`code`,{translate:!1,children:`export DASHSCOPE_API_KEY=sk-…`})]})]})})}function I(){let e=document.getElementById(`results-code`);e&&getSelection()?.selectAllChildren(e)}export{F as Code};