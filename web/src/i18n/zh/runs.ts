import type { runs as en } from "../en/runs";
import type { Translation } from "../words";

export const runs: Translation<typeof en> = {
  sending: (percent) => `上传中 ${percent}%`,
  ordering: "正在提交",
  waiting: "排队中",
  next: "即将开始",
  queued: (place) => `排在第 ${place} 位`,
  painting: "正在绘制",
  erasing: "正在消除",
  looking: "正在分析图片",
  blending: "正在收尾",
  step: (what, done, total) => `${what} ${done}/${total}`,
  fetching: "正在加载图片",
  done: "已完成",
  partly: (done, of) => `完成 ${done}/${of} 张`,
  failed: "失败",
  canceled: "已取消",
  lost: "服务器上已没有这个任务",
  waitsForSignIn: "等待登录",
  waitsForServer: "等待服务器",

  needsPicture: "请先打开一张图片。",
  needsMask: "请先涂抹要重绘的部分。",
  needsPrompt: "请输入提示词。",
  needsSignIn: "请先登录。",
  needsServer: "暂时连不上服务器。",
  promptTooLong: (most) => `提示词太长，最多 ${most} 个字。`,
  usedUp: (all) => `套餐内的 ${all} 张图片已用完。`,
  fewLeft: (left, n) => `套餐还剩 ${left} 张，本次要画 ${n} 张。`,

  memoryOnly: "无法保存到本机。",
  memoryOnlyHint:
    "浏览器没有提供存储空间（无痕窗口或磁盘已满）。关闭页面前，请先下载需要保留的图片。",
  madeRoom: (n) => `浏览器存储空间已满，已删除最早的 ${n} 条结果。`,
  ended: (n) => (n === 1 ? "已完成" : `已完成 ${n} 个`),
};
