import { useComputedColorScheme } from '@mantine/core';
import type { EChartsOption } from 'echarts';
import { useEffect, useRef } from 'react';
import { type Mark, mark } from './palette';

export interface Ink {
  text: string;
  line: string;
  surface: string;
  mark: (index: number) => Mark;
}

interface ChartProps {
  /** What it shows, for who doesn't see it. */
  label: string;
  /** Built from the inks of the present scheme. Keep it stable between renders (useCallback). */
  option: (ink: Ink) => EChartsOption;
  height?: number;
}

const inkOf = (dark: boolean): Ink => ({
  text: dark ? '#d5d9de' : '#3b4148',
  line: dark ? '#3a3f45' : '#d9dde2',
  surface: dark ? '#1f2226' : '#ffffff',
  mark: (index) => mark(index, dark),
});

/** A chart; the library comes when the first one is shown. */
export default function Chart({ label, option, height = 240 }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const dark = useComputedColorScheme('light') === 'dark';
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    let gone = false;
    let end = () => {};
    void import('./echarts').then(({ init }) => {
      if (gone) return;
      const ink = inkOf(dark);
      const chart = init(element, null, { renderer: 'svg' });
      chart.setOption({
        animation: false,
        textStyle: { color: ink.text, fontFamily: 'system-ui, sans-serif', fontSize: 12 },
        tooltip: { trigger: 'axis', renderMode: 'richText', backgroundColor: ink.surface, borderColor: ink.line, textStyle: { color: ink.text } },
        ...option(ink),
      });
      const observer = new ResizeObserver(() => chart.resize());
      observer.observe(element);
      end = () => {
        observer.disconnect();
        chart.dispose();
      };
    });
    return () => {
      gone = true;
      end();
    };
  }, [option, dark]);
  return <div ref={place} role="img" aria-label={label} style={{ height, width: '100%' }} data-chart />;
}
