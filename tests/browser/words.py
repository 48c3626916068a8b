"""What the page says, as far as the stories read it; written down here a second time on purpose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from re import Pattern


@dataclass(frozen=True, kw_only=True)
class Words:
    """One language's."""

    locale: str
    # What is asked for
    prompt: str
    glasses: str
    sunglasses: str
    unlike: str  # what no concept of the library is called, with the signs of HTML

    forbidden: str  # what the server of the tests refuses

    # The way in
    key: str = "API Key"
    sign_in: str
    sign_in_again: str
    choose: str
    sample: str

    # Tools
    stage: str = ""
    brush: str
    eraser: str
    rectangle: str
    wand: str
    softness: str
    none_marked: str
    undo: str
    redo: str
    clear: str
    invert: str
    mask_more: str
    export: str
    import_: str
    import_do: str
    import_title: str

    # The wish
    what: str
    repaint: str
    repaint_phone: str
    wish: str
    pictures: str
    model_group: str
    model: str

    # Results
    results: str
    result: str  # how the name of a tile begins
    cancel: str
    canceled: str
    step: str  # of a run under way
    next: str  # of one that waits
    advanced: str
    steps: str
    vary: str
    split: str
    compare: str
    hold: str
    go_on: str
    keep_mask: str
    download: str
    edit: str
    history: str
    search: str
    open_again: str
    details: str
    more: str
    retry: str

    # Dialogs
    close: str
    no: str
    scale: Pattern[str]
    dismiss: str
    too_large: str
    too_small: str
    replace: str
    wrong_key: str
    refusals: Mapping[str, str]  # of files
    refused: str  # a run, for its words
    broken: str  # a run, by its engine
    shortcuts: str
    about: str
    account: str


EN = Words(
    locale="en-US",
    prompt="a red balloon",
    glasses="red glasses",
    sunglasses="sunglasses",
    unlike="zzqx <img src=x onerror=alert(1)> <b>bold</b>",
    key="API key",
    forbidden="a bomb",
    sign_in="Sign in",
    sign_in_again="Please sign in again",
    choose="Choose a picture",
    sample="Cat",
    stage="Picture",
    brush="Brush",
    eraser="Eraser",
    rectangle="Rectangle",
    wand="Magic wand",
    softness="Softness",
    none_marked="Nothing masked",
    undo="Undo",
    redo="Redo",
    clear="Clear",
    invert="Invert",
    mask_more="More mask options",
    export="Export mask",
    import_="Import mask…",
    import_do="Import",
    import_title="Import mask",
    what="What should be there?",
    repaint="Repaint",
    repaint_phone="Repaint",
    wish="Prompt",
    pictures="Pictures",
    model_group="Model",
    model="Painted by",
    results="Results",
    result="Result",
    cancel="Cancel:",
    canceled="Cancelled",
    step="Painting 1/3",
    next="Next in the queue",
    advanced="Advanced",
    steps="Steps",
    vary="Vary",
    split="Before and after",
    compare="Compare side by side",
    hold="Hold to see the original",
    go_on="Continue from here",
    keep_mask="Keep the mask",
    download="Download",
    edit="Edit",
    history="History",
    search="Search prompts, pictures, dates",
    open_again="Open again",
    details="Details",
    more="More",
    retry="Try again",
    close="Close",
    no="Cancel",
    scale=re.compile(r"^Scale to "),
    dismiss="Dismiss",
    too_large="This picture is too large",
    too_small="This picture is too small",
    replace="Replace the picture?",
    wrong_key="This key is not valid.",
    refusals={
        "empty": "This file is empty.",
        "words": "This file is not a supported picture.",
        "cut": "This picture cannot be read.",
        "moving": "GIF files are not supported.",
    },
    refused="The server's rules do not allow this prompt or picture.",
    broken="Repainting failed.",
    shortcuts="Keyboard shortcuts",
    about="About Overpaint",
    account="Account and settings",
)

ZH = Words(
    locale="zh-CN",
    prompt="一个红色的气球",
    glasses="红色眼镜",
    sunglasses="一副墨镜",
    unlike="口口口 <img src=x onerror=alert(1)> <b>粗</b>",
    forbidden="一颗炸弹",
    sign_in="登录",
    sign_in_again="请重新登录",
    choose="选择图片",
    sample="猫",
    stage="画面",
    brush="画笔",
    eraser="橡皮擦",
    rectangle="矩形",
    wand="魔棒",
    softness="柔边",
    none_marked="尚未涂抹",
    undo="撤销",
    redo="重做",
    clear="清除",
    invert="反选",
    mask_more="更多蒙版操作",
    export="导出蒙版",
    import_="导入蒙版…",
    import_do="导入",
    import_title="导入蒙版",
    what="想画成什么？",
    repaint="开始重绘",
    repaint_phone="重绘",
    wish="提示词",
    pictures="张数",
    model_group="模型",
    model="绘制引擎",
    results="结果",
    result="结果",
    cancel="取消：",
    canceled="已取消",
    step="正在绘制 1/3",
    next="即将开始",
    advanced="高级选项",
    steps="采样步数",
    vary="再来一张",
    split="前后对比",
    compare="左右对比",
    hold="按住看原图",
    go_on="在此基础上继续",
    keep_mask="保留蒙版",
    download="下载",
    edit="编辑",
    history="历史记录",
    search="搜索提示词、图片名、日期",
    open_again="重新打开",
    details="详细信息",
    more="更多",
    retry="重试",
    close="关闭",
    no="取消",
    scale=re.compile(r"^缩放到"),
    dismiss="知道了",
    too_large="图片过大",
    too_small="图片过小",
    replace="替换当前图片？",
    wrong_key="API Key 无效。",
    refusals={
        "empty": "这个文件是空的。",
        "words": "这个文件不是可以重绘的图片。",
        "cut": "无法读取这张图片。",
        "moving": "不支持 GIF 文件。",
    },
    refused="服务器的内容规则不允许这段提示词或这张图片。",
    broken="重绘失败。",
    shortcuts="快捷键",
    about="关于 Overpaint",
    account="账户与设置",
)
