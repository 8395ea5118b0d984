import { Loader, ScrollArea, SegmentedControl, Table, Text } from '@mantine/core';
import type { EChartsOption } from 'echarts';
import { type ReactNode, Suspense, lazy, useState } from 'react';
import { Panel } from '../components/Page';
import { common } from '../strings/common';
import type { Ink } from './Chart';

const Chart = lazy(() => import('./Chart'));

export interface ChartTable {
  columns: string[];
  rows: ReactNode[][];
}

interface ChartCardProps {
  title: string;
  /** One sentence that says what the chart says. */
  label: string;
  option: (ink: Ink) => EChartsOption;
  /** The same figures as a table. */
  table: ChartTable;
  height?: number;
}

/** A chart with its label, and the same figures as a table. */
export function ChartCard({ title, label, option, table, height = 240 }: ChartCardProps) {
  const [view, setView] = useState('chart');
  const views = [{ value: 'chart', label: common.showChart }, { value: 'table', label: common.showTable }];
  return (
    <Panel title={title} actions={<SegmentedControl size="xs" aria-label={`${common.view}: ${title}`} data={views} value={view} onChange={setView} />}>
      {view === 'chart' ? (
        <Suspense fallback={<Loader size="sm" m="md" />}>
          <Chart label={label} option={option} height={height} />
        </Suspense>
      ) : (
        <Figures label={label} table={table} height={height} />
      )}
      <Text size="sm" c="dimmed" mt={4}>{label}</Text>
    </Panel>
  );
}

function Figures({ label, table, height }: { label: string; table: ChartTable; height: number }) {
  return (
    <ScrollArea h={height} type="auto" viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': label }}>
      <Table striped aria-label={label}>
        <Table.Thead>
          <Table.Tr>{table.columns.map((one, at) => <Table.Th key={one} scope="col" ta={at ? 'right' : 'left'}>{one}</Table.Th>)}</Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {table.rows.map((row, index) => (
            <Table.Tr key={index}>{row.map((cell, at) => <Table.Td key={table.columns[at]} ta={at ? 'right' : 'left'}>{cell}</Table.Td>)}</Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  );
}
