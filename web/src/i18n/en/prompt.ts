export const prompt = {} as const;
