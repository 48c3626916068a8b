import type { shell as en } from "../en/shell";
import type { Translation } from "../words";

export const shell: Translation<typeof en> = {
  close: "关闭",
};
