// Strokes on 24 by 24, so that no icon package is loaded for a handful of shapes.
const PATHS = {
  alert: 'M12 3 2.5 20h19zM12 10v4M12 17.2v.1',
  audit: 'M12 3l8 3v6c0 5-3.5 8-8 9-4.500-1-8-4-8-9V6zM9 12l2 2 4-4',
  book: 'M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zM5 17a3 3 0 0 1 3-3h11',
  budget: 'M3 7h18v12H3zM3 11h18M7 15h4',
  cache: 'M4 6c0-1.700 3.600-3 8-3s8 1.300 8 3-3.600 3-8 3-8-1.300-8-3zM4 6v12c0 1.700 3.600 3 8 3s8-1.300 8-3V6M4 12c0 1.700 3.600 3 8 3s8-1.300 8-3',
  chart: 'M4 4v16h16M8 16v-4M12 16V8M16 16v-6',
  check: 'M5 12l5 5L20 7',
  close: 'M6 6l12 12M18 6 6 18',
  cog: 'M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM12 2v4M12 18v4M2 12h4M18 12h4M5 5l2.800 2.800M16.200 16.200 19 19M5 19l2.800-2.800M16.200 7.800 19 5',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  flow: 'M4 4h6v5H4zM14 15h6v5h-6zM7 9v4a4 4 0 0 0 4 4h3',
  guard: 'M12 3l8 3v6c0 5-3.500 8-8 9-4.500-1-8-4-8-9V6z',
  key: 'M8 15a4 4 0 1 0 0-.1zM11 12l9-9M16 7l3 3',
  list: 'M4 6h16M4 12h16M4 18h16',
  logout: 'M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9',
  model: 'M12 3l8 4.500v9L12 21l-8-4.500v-9zM4 7.500l8 4.500 8-4.500M12 12v9',
  moon: 'M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500z',
  play: 'M7 4l13 8-13 8z',
  prompt: 'M4 5h16v11H9l-5 4zM8 9h8M8 12h5',
  refresh: 'M20 12a8 8 0 1 1-2.500-5.800M20 3v4h-4',
  route: 'M6 19a2 2 0 1 0 0-.1zM18 5a2 2 0 1 0 0 .1zM8 19h6a4 4 0 0 0 0-8h-4a4 4 0 0 1 0-8h6',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.400 1.400M17.600 17.600 19 19M5 19l1.400-1.400M17.600 6.400 19 5',
  table: 'M4 5h16v14H4zM4 10h16M4 15h16M10 5v14',
  team: 'M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM3 20c0-3.500 2.500-6 6-6s6 2.500 6 6M16 4.500a3.500 3.500 0 0 1 0 6M18 14.500c2 .8 3 2.800 3 5.500',
} as const;

export type IconName = keyof typeof PATHS;

/** A decoration: what it stands beside says the same in words. */
export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={1.7} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
