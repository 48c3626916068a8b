"""What a prompt wants written: quoted text, and text after words such as 写着 and "that says"."""

from __future__ import annotations

import re
from collections.abc import Callable

#: Stands for the lettering in a text whose quotations are blanked out.
PLACEHOLDER = "\ue000"

_QUOTED = re.compile(
    r"[“”\"＂〝〞]([^“”\"＂〝〞]+)(?:[“”\"＂〝〞]|$)"
    r"|[「『]([^「」『』]+)(?:[」』]|$)"
    r"|‘([^‘’]+(?:’\w[^‘’]*)*)’"
    r"|(?<![\w’'])'((?:[^'\n]|(?<=\w)'(?=\w))+)'(?!\w)"
)
_CHINESE_CUE = re.compile(
    r"(?:(?:写着|写上|写有|写道|写下|印着|印有|印上|刻着|刻上|刻有|绣着|绣上|题写|题字|題字|寫著|寫着|寫上|寫有|印著|刻著)了?"
    r"\s*[:：]?|(?:文字|标语|標語|标题|標題|字样|字樣|文本|内容|內容)(?:是|为|為)?\s*[:：])\s*"
    r"([^，。；,;!！?？\n]+)"
)
_ENGLISH_CUE = re.compile(
    r"\b(?:(?:that|which|it)\s+)?(?:says|saying|spelling|spells)\b\s*:?\s*([^，。；,;.\n]+)"
    r"|\b(?:text|words?|letters|lettering|caption|slogan|title|reads|reading)\s*[:：]\s*([^，。；;\n]+)",
    re.IGNORECASE,
)
#: What is printed, carved or embroidered may be a picture: 印着一只熊猫, 绣着两朵花.
_PICTURED = re.compile(r"[印刻绣][着上有著]了?\s*[一二两三四五六七八九十几\d]+\s*\w")
#: Quotation marks, which are no lettering by themselves: 写着"".
_MARKS = " \t\u3000\"'“”‘’＂〝〞「」『』"
_TAIL = re.compile(
    r"(?:这|這)?(?:[几幾两兩三四五六七八]个|[兩三四五六七八]個)?(?:大字|字样|字樣|的字|字)$"
)


def take_lettering(text: str, ends_in_thing: Callable[[str], int]) -> tuple[str, str | None]:
    """Split what is to be written off `text`.

    `ends_in_thing` gives where a known thing that ends a Chinese text begins, or its length: in
    写着生日快乐的蛋糕 the cake is no part of the lettering. Returns the text, as long as before,
    with `PLACEHOLDER` where lettering was and blanks over the rest of it, and the lettering; None
    when nothing is to be written. Several quotations are lines of one lettering.
    """
    found = [(match.span(), _inner(match)) for match in _QUOTED.finditer(text)]
    found = [(span, words) for span, words in found if words]
    if not found:
        for cue in (_CHINESE_CUE, _ENGLISH_CUE):
            match = cue.search(text)
            if match is None:
                continue
            group = 1 if match.group(1) is not None else 2
            start, end = match.span(group)
            words = match.group(group)
            if cue is _CHINESE_CUE:
                if _PICTURED.match(match.group()) and ends_in_thing(words) < len(words):
                    continue
                words = words[: _before_thing(words, ends_in_thing)]
            end = start + len(words)
            words = _TAIL.sub("", words).strip()
            if words.strip(_MARKS):
                found.append(((start, end), words))
                break
    if not found:
        return text, None
    chars = list(text)
    for (start, end), _ in found:
        chars[start:end] = [PLACEHOLDER, *" " * (end - start - 1)]
    return "".join(chars), "\n".join(words for _, words in found)


def without_quotes(text: str) -> str:
    """`text` with every quotation blanked out."""
    return _QUOTED.sub(lambda match: " " * len(match.group()), text)


def _inner(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group is not None).strip()


def _before_thing(words: str, ends_in_thing: Callable[[str], int]) -> int:
    at = words.rfind("的")
    if at <= 0:
        return len(words)
    rest = words[at + 1 :]
    return at if rest and ends_in_thing(rest) == 0 else len(words)
