import { useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import type { Plan, Pnl, Projection, Statement } from './shapes';

export function useStatement(period: string) {
  return useQuery({
    queryKey: ['savings', period],
    queryFn: async () => (await answer(api.GET('/api/v1/savings', { params: { query: { period } } }))).statement as unknown as Statement,
    meta: { topics: ['spend'] },
  });
}

export function usePlan() {
  return useQuery({
    queryKey: ['plan'],
    queryFn: async () => (await answer(api.GET('/api/v1/finance/plan', {}))) as unknown as Plan,
  });
}

export function useProjection() {
  return useQuery({
    queryKey: ['projection'],
    queryFn: async () => (await answer(api.POST('/api/v1/finance/projection', { body: { days: 30, on: '' } }))) as unknown as Projection,
  });
}

export function usePnl(since: string, until: string) {
  return useQuery({
    queryKey: ['pnl', since, until],
    queryFn: async () => (await answer(api.GET('/api/v1/finance/pnl', { params: { query: { since, until } } }))) as unknown as Pnl,
    meta: { topics: ['spend'] },
  });
}

export const ASSUMPTIONS = ['assumptions'] as const;

export function useAssumptions() {
  return useQuery({ queryKey: ASSUMPTIONS, queryFn: async () => (await answer(api.GET('/api/v1/finance/assumptions', {}))).data });
}
