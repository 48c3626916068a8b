"""The page at `/` for who is not signed in: what this is, a form for the key, no scripts."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from string import Template

from overpaint._version import __version__
from overpaint.server import webpage
from overpaint.tasks.task import Key

LANGUAGES = ("en", "zh")

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "code": "en",
        "title": "Overpaint",
        "claim": "<span>Mark a part of a picture,</span> <span>say what should be there.</span>",
        "what": "This server repaints the part you mark, the way you describe it in Chinese or "
        "English, and leaves every other pixel exactly as it was.",
        "description": "Mark a part of a picture, say what should be there.",
        "shown": "A cat, before and after: where the eyes were marked it wears red glasses.",
        "before": "Before",
        "after": "red glasses",
        "docs": "API reference",
        "begin": "From a program",
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
        "not_built": "This copy of Overpaint is without its page: it was not built. "
        "Run <code>make page</code> in the source folder. The API works as ever.",
        "other": "中文",
        "other_code": "zh",
        "other_lang": "zh-CN",
        "prompt": "a red scarf",
        "health": "Is it ready?",
    },
    "zh": {
        "code": "zh-CN",
        "title": "Overpaint",
        "claim": "<span>涂抹图中一处，</span><span>说出想要的内容。</span>",
        "what": "本服务按照中文或英文的描述，重绘图中被标记的部分，"
        "<span>其余每一个像素都原样保留。</span>",
        "description": "涂抹图中一处，说出想要的内容。",
        "shown": "一只猫的重绘前后：涂抹过的眼部戴上了红色眼镜。",
        "before": "原图",
        "after": "红色眼镜",
        "docs": "接口文档",
        "begin": "用程序调用",
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
        "not_built": "此处尚未构建网页界面，请在源码目录运行 <code>make page</code>。"
        "API 不受影响。",
        "other": "English",
        "other_code": "en",
        "other_lang": "en",
        "prompt": "一条红色的围巾",
        "health": "服务是否就绪？",
    },
}

_PAGE = Template("""<!doctype html>
<html lang="$code">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="theme-color" content="#faf7f2" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#191613" media="(prefers-color-scheme: dark)">
<meta name="description" content="$description">
<title>$title</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="$style">
</head>
<body>
<header>
<span class="mark"><svg viewBox="0 0 28 28" aria-hidden="true"><rect x="1.5" y="1.5" width="25"
height="25" rx="6" fill="none" stroke="currentColor" stroke-width="2"/><path d="M7 19c3-8 5 1 8-6
1.500-3.500 3.500-5 6-5" fill="none" stroke="#d2553f" stroke-width="5"
stroke-linecap="round"/></svg>$title</span>
<a href="/?lang=$other_code" hreflang="$other_code" lang="$other_lang">$other</a>
</header>
<main>
<section class="hero">
<div><h1>$claim</h1><p class="what">$what</p>
$said$account</div>
<figure><img src="$picture" width="451" height="300" alt="$shown"><span
aria-hidden="true">$before</span><span aria-hidden="true">$after</span></figure>
</section>
<details class="sheet">
<summary>$begin</summary>
<div class="steps">
<p>$one_call</p>
<pre tabindex="0">curl $base/v1/images/edits \\
  -H "Authorization: Bearer $$OVERPAINT_API_KEY" \\
  -F image=@photo.png -F mask=@mask.png \\
  -F prompt="$prompt" -F response_format=url</pre>
<p>$as_task</p>
<pre tabindex="0">curl $base/api/v1/services/aigc/image2image/image-synthesis \\
  -H "Authorization: Bearer $$OVERPAINT_API_KEY" \\
  -H "X-DashScope-Async: enable" -H "Content-Type: application/json" \\
  -d '{"model": "wanx-x-painting", "input": {"prompt": "$prompt",
       "base_image_url": "https://…", "mask_image_url": "https://…"}}'</pre>
<p>$sdk</p>
<pre tabindex="0">export DASHSCOPE_HTTP_BASE_URL=$base/api/v1</pre>
<p><a href="/docs">$more</a></p>
</div>
</details>
</main>
<footer><span>Overpaint $version</span><a href="/docs">$docs</a>
<a href="/openapi.json">openapi.json</a><a href="/readyz">$health</a></footer>
</body>
</html>
""")

_SIGNED_OUT = Template("""<form method="post" action="/sign-in$asked">
<input name="username" autocomplete="username" value="overpaint" hidden>
<label>$key<input name="key" type="password" required autocomplete="current-password"
spellcheck="false" placeholder="sk-…" autofocus></label>
<button>$sign_in</button>
</form>
<p class="hint">$key_help</p>
""")

_SIGNED_IN = Template("""<form method="post" action="/sign-out$asked" class="account">
<p>$signed_in <strong>$name</strong> <span class="hint">$hint · $painted</span></p>
<button class="quiet">$sign_out</button>
</form>
""")

HEADERS = {**webpage.HEADERS, "Vary": "Accept-Language, Cookie"}


def render(
    *, base: str, language: str, key: Key | None = None, said: str = "", asked: bool = False
) -> str:
    """The page as HTML.

    Args:
        base: how clients reach the server.
        language: one of `LANGUAGES`.
        key: whose session it is, if anyone's.
        said: "" or the name of what is to be said first: "wrong_key", "used_link", "not_ours",
            "not_built".
        asked: whether the reader chose the language; it is then kept.
    """
    words = {**_WORDS[language], "asked": f"?lang={language}" if asked else ""}
    if key is None:
        account = _SIGNED_OUT.substitute(words)
    else:
        used = str(key.used)
        if key.plan.images is not None:
            used += f" {words['of']} {key.plan.images}"
        account = _SIGNED_IN.substitute(
            words,
            name=escape(key.name),
            hint=escape(key.hint),
            painted=words["pictures"].format(used=used),
        )
    return _PAGE.substitute(
        words,
        style=webpage.welcome_address("landing.css"),
        picture=webpage.welcome_address("cat.webp"),
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
