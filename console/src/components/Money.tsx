import { Text, Tooltip } from '@mantine/core';
import { exactly, roughly } from '../money';
import { common } from '../strings/common';

interface MoneyProps {
  /** Dollars as the control API writes them; null: no price is known, which is never zero. */
  usd: string | null | undefined;
  /** For headlines: cents, with every digit when pointed at or focused. */
  rounded?: boolean;
}

/** An amount, exact to the nano-dollar. */
export function Money({ usd, rounded = false }: MoneyProps) {
  if (usd === null || usd === undefined) return <Text span inherit c="dimmed">{common.unpriced}</Text>;
  if (!rounded) return <span className="figures">{exactly(usd)}</span>;
  return (
    <Tooltip label={exactly(usd)}>
      <span className="figures" tabIndex={0} role="note" aria-label={exactly(usd)}>{roughly(usd)}</span>
    </Tooltip>
  );
}
