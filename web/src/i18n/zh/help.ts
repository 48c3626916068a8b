import type { help as en } from "../en/help";
import type { Translation } from "../words";

export const help: Translation<typeof en> = {
  title: "快捷键",
  groupPicture: "图片",
  groupTools: "工具",
  groupMask: "蒙版",
  groupView: "视图",
  groupRun: "重绘与对比",
  groupKeys: "用键盘绘制",
  single: "单键快捷键",
  singleHint: "如果与读屏软件或语音输入冲突，可以关闭。",
  or: "或",
  moveCursor: "移动画面上的十字光标",
  stampCursor: "在十字光标处绘制",
  panSpace: "按住并拖动以移动画面",
  panDrag: "拖动",
  paste: "粘贴图片",
  cancelStroke: "放弃这一笔",
  wheelZoom: "以指针为中心缩放",
  wheel: "滚轮",

  largerBrush: "放大画笔",
  smallerBrush: "缩小画笔",
  softer: "边缘更柔和",
  harder: "边缘更清晰",

  aboutTitle: "关于 Overpaint",
  aboutText: "Overpaint 按照你的描述重绘图中涂抹的部分，其余每个像素原样保留。",
  version: (version) => `版本 ${version}`,
  privacyTitle: "哪些内容会离开浏览器",
  privacySent:
    "点击“开始重绘”后，图片、蒙版、提示词和附带的参考内容会发送到本服务器；本页面不会发往任何其他地方。",
  privacyKept:
    "图片、蒙版和结果也会保存在这台设备的浏览器里，方便以后继续；可以在“历史记录”中删除。",
  privacyNone: "没有跟踪，没有广告，不请求其他网站。",
  marksTitle: "结果中的标识",
  marks: "下载的文件会注明部分内容由 AI 生成，并附所用的种子和提示词。",
  source: "开源软件，Apache License 2.0。",
  api: "API 文档",
};
