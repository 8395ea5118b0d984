export const difference = { same: 'They are the same.' };
