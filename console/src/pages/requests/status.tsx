import { Badge } from '@mantine/core';
import type { RequestRow } from './shape';

/** The HTTP status with its code; a failure has a cross, not only a colour. */
export function Status({ row }: { row: Pick<RequestRow, 'http_status' | 'error_code'> }) {
  const good = row.http_status < 400;
  return (
    <Badge variant="outline" color={good ? 'var(--legato-good)' : 'var(--legato-bad)'} radius="sm" tt="none" fw={600} miw="max-content">
      {good ? '' : '✕ '}{row.http_status}{row.error_code ? ` ${row.error_code}` : ''}
    </Badge>
  );
}
