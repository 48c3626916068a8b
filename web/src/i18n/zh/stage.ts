import type { stage as en } from "../en/stage";
import type { Translation } from "../words";

export const stage: Translation<typeof en> = {
  name: "画面",
  help: "方向键移动十字光标，按住 Shift 大步移动，按住 Ctrl 每次一个像素。空格键画一点或确定矩形的角；回车键落笔、再按抬笔；Esc 撤回这一笔。",
  split: "前后对比",
  splitAt: (percent) => `原图占 ${percent}%`,
  before: "原图",
  after: "结果",
  working: "正在计算。",
  nothingMarked: "尚未涂抹。",
  marked: (percent) => `已涂抹 ${percent}%。`,
  crossAt: (x, y) => `位置 ${x}, ${y}。`,
  penDown: "已落笔。",
};
