"""The page at `/`: what this server is and how to begin, in Chinese or English, no scripts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from string import Template

from overpaint._version import __version__
from overpaint.tasks.task import Key

LANGUAGES = ("en", "zh")

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "code": "en",
        "title": "Overpaint",
        "claim": "<span>Mark a part of a picture,</span> <span>say what should be there.</span>",
        "what": "This server repaints the marked part as your words say, in Chinese or English, "
        "and leaves every other pixel exactly as it was.",
        "begin": "Begin",
        "one_call": "One call, one picture. The mask is transparent where the picture is "
        "to be repainted:",
        "as_task": "As a task, with DashScope's own SDKs or curl. The mask is white where the "
        "picture is to be repainted:",
        "sdk": "The SDKs for Python and Java find this server by",
        "more": "Every route, with a form to try it",
        "key": "API key",
        "key_help": "<code>overpaint keys create --name me</code> makes one.",
        "sign_in": "Sign in",
        "sign_out": "Sign out",
        "signed_in": "Signed in with the key",
        "pictures": "{used} pictures painted",
        "of": "of",
        "wrong_key": "This key is not known here, or has been revoked.",
        "used_link": "This link has been used already, or has expired. Sign in with a key.",
        "not_ours": "The form did not come from this page. Please try again here.",
        "other": "中文",
        "other_code": "zh",
        "prompt": "a red scarf",
        "health": "Is it ready?",
    },
    "zh": {
        "code": "zh-CN",
        "title": "Overpaint",
        "claim": "<span>涂抹图中一处，</span><span>说出想要的内容。</span>",
        "what": "本服务按照中文或英文的描述，重绘图中被标记的部分，"
        "<span>其余每一个像素都原样保留。</span>",
        "begin": "开始使用",
        "one_call": "一次调用，直接得到图片。蒙版中透明的部分会被重绘：",
        "as_task": "异步任务方式，可用 DashScope 官方 SDK 或 curl 调用。蒙版中白色的部分会被重绘：",
        "sdk": "Python 与 Java SDK 通过环境变量指向本服务：",
        "more": "全部接口说明，可在线调试",
        "key": "API Key",
        "key_help": "运行 <code>overpaint keys create --name me</code> 即可创建。",
        "sign_in": "登录",
        "sign_out": "退出登录",
        "signed_in": "已登录，使用的 Key：",
        "pictures": "已生成 {used} 张图片",
        "of": "/",
        "wrong_key": "此 Key 不存在或已被吊销。",
        "used_link": "此链接已被使用或已过期，请用 Key 登录。",
        "not_ours": "表单并非来自本页面，请在此重试。",
        "other": "English",
        "other_code": "en",
        "prompt": "一条红色的围巾",
        "health": "服务是否就绪？",
    },
}

_STYLE = """
:root { color-scheme: light dark; --paper: #faf7f2; --sheet: #fff; --ink: #221d18;
  --faint: #6d645a; --line: #e4dccf; --paint: #c2412d; --on-paint: #fff; --code: #f4eee4; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #191613; --sheet: #221e1a; --ink: #f1ebe3; --faint: #a99f93;
    --line: #3a342d; --paint: #f0836f; --on-paint: #221209; --code: #2b2621; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.6 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }
main, header, footer { max-width: 48rem; margin: 0 auto; padding: 0 1.25rem; }
header { display: flex; justify-content: space-between; align-items: center;
  padding-top: 1.5rem; }
header a { color: var(--faint); }
.mark { display: flex; align-items: center; gap: .6rem; font-weight: 650; }
.mark svg { width: 1.75rem; height: 1.75rem; }
.hero { padding: 3.5rem 0 2rem; }
h1 { font-size: clamp(1.9rem, 6vw, 3rem); line-height: 1.15; letter-spacing: -.02em;
  margin: 0 0 1rem; }
.hero span { display: inline-block; }
.hero p { font-size: 1.15rem; color: var(--faint); margin: 0;
  max-width: 40rem; text-wrap: pretty; }
.sheet { background: var(--sheet); border: 1px solid var(--line); border-radius: 14px;
  padding: 1.25rem 1.5rem; margin: 0 0 1.25rem; }
h2 { font-size: 1.1rem; margin: 0 0 .5rem; }
.sheet p { margin: .75rem 0 .4rem; }
pre { background: var(--code); border-radius: 8px; padding: .9rem 1rem; margin: 0;
  overflow-x: auto; font: .8rem/1.6 ui-monospace, Menlo, Consolas, monospace; }
code { font: .9em ui-monospace, Menlo, Consolas, monospace; }
a { color: var(--paint); text-underline-offset: .2em; }
form { display: flex; gap: .6rem; flex-wrap: wrap; align-items: end; margin: 0; }
label { flex: 1 1 16rem; font-size: .9rem; color: var(--faint); }
input { display: block; width: 100%; margin-top: .25rem; padding: .55rem .75rem;
  border: 1px solid var(--line); border-radius: 8px; background: var(--paper);
  color: inherit; font-family: inherit; font-size: 1rem; height: 2.75rem; }
button { height: 2.75rem; padding: 0 1.2rem; border: 1px solid var(--paint); border-radius: 8px;
  background: var(--paint); color: var(--on-paint); font: inherit; font-weight: 600;
  cursor: pointer; }
button.quiet { background: none; color: var(--paint); }
input:focus-visible, button:focus-visible, a:focus-visible {
  outline: 3px solid var(--paint); outline-offset: 2px; }
.said { border-left: 4px solid var(--paint); padding-left: .8rem; margin: 0 0 1rem; }
.row { display: flex; justify-content: space-between; align-items: center; gap: 1rem;
  flex-wrap: wrap; }
.row p { margin: 0; }
.faint { color: var(--faint); font-size: .9rem; }
footer { padding: 1rem 1.25rem 3rem; color: var(--faint); font-size: .9rem;
  display: flex; gap: 1.25rem; flex-wrap: wrap; }
footer a { color: inherit; }
""".strip()

_PAGE = Template("""<!doctype html>
<html lang="$code">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="icon" href="data:,">
<style>$style</style>
</head>
<body>
<header>
<span class="mark"><svg viewBox="0 0 28 28" aria-hidden="true"><rect x="1.5" y="1.5" width="25"
height="25" rx="6" fill="none" stroke="currentColor" stroke-width="2"/><path d="M7 19c3-8 5 1 8-6
1.500-3.500 3.500-5 6-5" fill="none" stroke="#d2553f" stroke-width="5"
stroke-linecap="round"/></svg>$title</span>
<a href="/?lang=$other_code" hreflang="$other_code">$other</a>
</header>
<main>
<section class="hero"><h1>$claim</h1><p>$what</p></section>
<section class="sheet">$said$account</section>
<section class="sheet">
<h2>$begin</h2>
<p>$one_call</p>
<pre>curl $base/v1/images/edits \\
  -H "Authorization: Bearer $$OVERPAINT_API_KEY" \\
  -F image=@photo.png -F mask=@mask.png \\
  -F prompt="$prompt" -F response_format=url</pre>
<p>$as_task</p>
<pre>curl $base/api/v1/services/aigc/image2image/image-synthesis \\
  -H "Authorization: Bearer $$OVERPAINT_API_KEY" \\
  -H "X-DashScope-Async: enable" -H "Content-Type: application/json" \\
  -d '{"model": "wanx-x-painting", "input": {"prompt": "$prompt",
       "base_image_url": "https://…", "mask_image_url": "https://…"}}'</pre>
<p>$sdk</p>
<pre>export DASHSCOPE_HTTP_BASE_URL=$base/api/v1</pre>
<p><a href="/docs">$more</a></p>
</section>
</main>
<footer><span>Overpaint $version</span><a href="/docs">/docs</a>
<a href="/openapi.json">/openapi.json</a><a href="/readyz">$health</a></footer>
</body>
</html>
""")

_SIGNED_OUT = Template("""
<form method="post" action="/sign-in?lang=$lang">
<label>$key<input name="key" type="password" required autocomplete="current-password"
spellcheck="false" placeholder="sk-…"></label>
<button>$sign_in</button>
</form>
<p class="faint">$key_help</p>
""")

_SIGNED_IN = Template("""
<form method="post" action="/sign-out?lang=$lang" class="row">
<p>$signed_in <strong>$name</strong> <span class="faint">$hint · $painted</span></p>
<button class="quiet">$sign_out</button>
</form>
""")

_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")

HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Vary": "Accept-Language, Cookie",
    # Not "no-referrer": browsers would then hide from us that a form comes from this page.
    "Referrer-Policy": "same-origin",
}


def render(*, base: str, language: str, key: Key | None, said: str = "") -> str:
    """The page as HTML.

    Args:
        base: how clients reach the server.
        language: one of `LANGUAGES`.
        key: whose session it is, if anyone's.
        said: "" or the name of what is to be said first: "wrong_key", "used_link", "not_ours".
    """
    words = _WORDS[language]
    if key is None:
        account = _SIGNED_OUT.substitute(words, lang=language)
    else:
        used = str(key.used)
        if key.plan.images is not None:
            used += f" {words['of']} {key.plan.images}"
        account = _SIGNED_IN.substitute(
            words,
            lang=language,
            name=escape(key.name),
            hint=escape(key.hint),
            painted=words["pictures"].format(used=used),
        )
    return _PAGE.substitute(
        words,
        style=_STYLE,
        base=escape(base),
        account=account,
        said=f'<p class="said" role="alert">{words[said]}</p>' if said else "",
        version=__version__,
    )


def language_of(asked: str, accepted: str) -> str:
    """The language of the page: as asked for, else the first of Accept-Language that there is."""
    if asked in LANGUAGES:
        return asked
    for part in accepted.split(","):
        name = part.partition(";")[0].strip().lower().partition("-")[0]
        if name in LANGUAGES:
            return name
    return LANGUAGES[0]
