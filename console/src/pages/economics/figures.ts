/** The month before this one, as the books name it. */
export function lastMonth(today = new Date()): string {
  return monthOf(new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - 1, 1)));
}

/** The month, as the books name it. */
export function monthOf(day = new Date()): string {
  return day.toISOString().slice(0, 7);
}
