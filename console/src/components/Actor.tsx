import { useNames } from '../api/names';

/** Who did something, by name. */
export function Actor({ of }: { of: string }) {
  return <span title={of}>{useNames()(of)}</span>;
}
