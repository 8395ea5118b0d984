import { Button, Text } from '@mantine/core';
import { type ColumnDef, type Row, flexRender, getCoreRowModel, useReactTable } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { count } from '../format';
import { common } from '../strings/common';
import classes from './DataTable.module.css';

const ROW_PX = 35;
const NEAR_END = 12;

/** Columns with figures stand at the right: `meta: { right: true }`. */
export type Columns<T> = ColumnDef<T, any>[];

interface DataTableProps<T> {
  label: string;
  columns: Columns<T>;
  rows: T[];
  idOf: (row: T) => string;
  /** What a row opens, by Enter or a click. */
  onOpen?: (row: T) => void;
  selected?: string | undefined;
  /** The next page by cursor, where there is one; it is fetched when its place comes near. */
  more?: { has: boolean; busy: boolean; load: () => void };
  empty?: ReactNode;
  height?: number | string;
}

const right = (meta: unknown) => ((meta as { right?: boolean } | undefined)?.right ? classes.right : undefined);

/** A table of any length: only what is on the screen is in the document. Arrow keys move, Enter opens. */
export function DataTable<T>(props: DataTableProps<T>) {
  const { label, columns, rows, idOf, onOpen, selected, more, empty, height = 'min(62vh, 720px)' } = props;
  const frame = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const table = useReactTable({ data: rows, columns, getRowId: idOf, getCoreRowModel: getCoreRowModel() });
  const model = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: model.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
    initialRect: { width: 1000, height: 700 },
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;

  useEffect(() => {
    if (more?.has && !more.busy && last >= model.length - NEAR_END && model.length > 0) more.load();
  }, [last, model.length, more]);

  const move = (to: number) => {
    const next = Math.max(0, Math.min(model.length - 1, to));
    setActive(next);
    virtual.scrollToIndex(next);
    requestAnimationFrame(() => frame.current?.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus());
  };
  const onKey = (event: KeyboardEvent, row: Row<T>) => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, Home: -model.length, End: model.length };
    const step = steps[event.key];
    if (step !== undefined) move(row.index + step);
    else if (event.key === 'Enter' && event.target === event.currentTarget) onOpen?.(row.original);
    else return;
    event.preventDefault();
  };

  if (model.length === 0 && empty !== undefined) return <div className={classes.frame}>{empty}</div>;
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const span = table.getVisibleLeafColumns().length;
  return (
    <div className={classes.frame}>
      <div ref={frame} style={{ maxHeight: height, overflow: 'auto' }} tabIndex={-1}>
        <table className={classes.table} aria-label={label} aria-rowcount={more?.has ? -1 : model.length + 1}>
          <thead>
            {table.getHeaderGroups().map((group) => (
              <tr key={group.id}>
                {group.headers.map((header) => (
                  <th key={header.id} scope="col" className={right(header.column.columnDef.meta)}>
                    {flexRender(header.column.columnDef.header, header.getContext())}
                  </th>
                ))}
              </tr>
            ))}
          </thead>
          <tbody>
            {before > 0 && <Space height={before} span={span} />}
            {items.map(({ index }) => {
              const row = model[index];
              return row === undefined ? null : (
                <tr
                  key={row.id}
                  className={classes.row}
                  data-index={index}
                  data-opens={onOpen ? '' : undefined}
                  data-selected={row.id === selected ? '' : undefined}
                  aria-rowindex={index + 2}
                  aria-current={row.id === selected ? 'true' : undefined}
                  tabIndex={index === Math.min(active, model.length - 1) ? 0 : -1}
                  onKeyDown={(event) => onKey(event, row)}
                  onFocus={() => setActive(index)}
                  onClick={() => onOpen?.(row.original)}
                >
                  {row.getVisibleCells().map((cell) => (
                    <td key={cell.id} className={right(cell.column.columnDef.meta)}>
                      {flexRender(cell.column.columnDef.cell, cell.getContext())}
                    </td>
                  ))}
                </tr>
              );
            })}
            {after > 0 && <Space height={after} span={span} />}
          </tbody>
        </table>
      </div>
      <div className={classes.foot}>
        <Text size="sm" c="dimmed" role="status">{common.rows(count(model.length), more?.has ?? false)}</Text>
        {more?.has && <Button size="compact-xs" variant="default" loading={more.busy} onClick={more.load}>{common.more}</Button>}
      </div>
    </div>
  );
}

function Space({ height, span }: { height: number; span: number }) {
  return (
    <tr className={classes.space} aria-hidden="true">
      <td colSpan={span} style={{ height }} />
    </tr>
  );
}
