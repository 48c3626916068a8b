/** Prompts that every engine reads as removal. */
/** Prompts that ask to take away and name nothing, in both languages. */
export const BARE: ReadonlySet<string> = new Set(["remove it", "去掉它"]);
/** Prompts that begin so take away what they name; the server decides in the end. */
const BEGINS =
  /^\s*(?:(?:please\s+)?(?:remove|erase|delete)\b|(?:请|帮我)?(?:去掉|去除|移除|删除|擦除|消除|抹去))/iu;
/** They do not where something else is to come. */
const ASKS_FOR_MORE =
  /换|改成|变成|加上|添加|画|\b(?:and|then|to)\s+(?:add|put|paint|draw|place|replace)|\bwith\b/iu;

export function isRemoval(prompt: string): boolean {
  return BEGINS.test(prompt) && !ASKS_FOR_MORE.test(prompt);
}
