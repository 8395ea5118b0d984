/** Hand on what is told, at once the first time, then gathered, at most once in `ms`. */
export function gathered<T>(ms: number, hand: (all: T[]) => void): (some: T[]) => void {
  const held = new Set<T>();
  let waiting = false;
  const pass = () => {
    if (held.size === 0) {
      waiting = false;
      return;
    }
    const all = [...held];
    held.clear();
    waiting = true;
    setTimeout(pass, ms);
    hand(all);
  };
  return (some) => {
    for (const one of some) held.add(one);
    if (!waiting) pass();
  };
}
