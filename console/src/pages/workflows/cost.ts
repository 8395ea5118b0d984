import { dollarsOf, roughly } from '../../money';

/** An expected cost, which is no exact amount, in dollars. */
export const nanoDollars = (nano: number) => roughly(dollarsOf(BigInt(Math.round(nano))));
