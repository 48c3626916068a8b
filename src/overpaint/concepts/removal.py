"""Whether a prompt only asks to take something away; cheap, without a lexicon."""

from __future__ import annotations

import re

from overpaint.concepts.atoms import fold
from overpaint.concepts.quotes import without_quotes

#: Something else is to come: 去掉帽子，换成皇冠; "remove the hat and add a crown".
_ASKS_FOR_MORE = re.compile(
    r"换|改成|改为|变成|加上|添加|加个|加一|增加|放[一上个]|画[一上个]|要一|而是"
    r"|(?:^|[,.;，。；]|\b(?:and|then|to)\b)\s*(?:please |then |instead |to )*"
    r"(?:replace|add|put|place|insert|draw|paint|turn|change|swap)\b"
    r"|\b(?:replace|swap)d?\b.*\b(?:with|by|for)\b"
)
_REMOVES = re.compile(
    r"去掉|去除|移除|移走|移掉|移去|删除|删掉|删去|擦除|擦掉|擦去|抹去|抹掉|抹除|清除|清掉|清理|消除|消掉"
    r"|拿掉|拿走|弄掉|抠掉|除掉|除去|消失|p掉|不要了|不见|去水印"
    r"|(?:还原|恢复|补全|填补|填充|延续)背景|背景补全"
    r"|\b(?:remove|erase|delete|eliminate|get(?:ting)? rid of|clean up|wipe (?:out|away)"
    r"|take (?:(?:it|them|this|that) )?(?:out|away)|disappear|vanish|edit out|photoshop out"
    r"|(?:fill in|continue|extend|restore) the background)\b"
)
_NO_THING = re.compile(
    r"[\s,，.。:：]*(?:0+\s+(?:[a-z]+|[a-z ]+s)|zero\s+[a-z ]*[a-z]s"
    r"|[0零]+\s*[只个条头匹朵位名本台辆架][^，。,.]*)[\s.。!！]*"
)
#: These say so only where they begin the prompt, or, 不要, where they end it.
_REMOVES_FIRST = re.compile(
    r"[\s,，.。:：]*(?:请|帮我|please |我|i )*"
    r"(?:不要|没有|去(?:人|文字|字|污|背景|logo)|without\b|nothing\b|clean (?:the|this|it|away)\b"
    r"|clear (?:the|this|it|away|out)\b"
    r"|no\b(?! (?:entry|smoking|littering|bicycles|pedestrians|mobile|one under)))"
    r"|[^，。,.]{1,12}不要\s*$"
)
_TO_NOTHING = re.compile(
    r"(?:换成|变成|改成|替换为|替换成|填充为)\s*(?:空白|(?:干净的?)?背景|空)\s*[。.!！]?\s*$"
    r"|\bwith\s+(?:the |a |clean |plain )*(?:background|nothing|empty space)\s*[.!]?\s*$"
)


def is_removal(text: str) -> bool:
    """Whether `text` only asks to remove what is masked: it is blank, or "remove ...", 去掉 ..."""
    if not text.strip():
        return True
    bare = fold(without_quotes(text)).strip()
    if _TO_NOTHING.search(bare) and re.search(r"换|变|改|填|replace|fill|swap|cover", bare):
        return True
    if _ASKS_FOR_MORE.search(bare):
        return False
    return bool(_REMOVES.search(bare) or _REMOVES_FIRST.match(bare) or _NO_THING.fullmatch(bare))
