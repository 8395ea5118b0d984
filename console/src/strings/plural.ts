/** A count with its noun: `1 day`, `2 days`. */
export const some = (n: number, one: string, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
