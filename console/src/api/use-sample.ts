import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useSyncExternalStore } from 'react';
import { answer, api } from './client';
import { sample } from './sample';
import { useMay } from './session';

/** Whether this tab looks at sample data. */
export function useInSample(): boolean {
  return useSyncExternalStore(sample.watch, () => sample.on);
}

/** What goes in and out of the sample; what was asked of the other side is forgotten each time. */
export function useSample() {
  const client = useQueryClient();
  const navigate = useNavigate();
  const may = useMay();
  const begin = async () => {
    await navigate({ to: '/' });
    await client.resetQueries();
  };
  const leave = async () => {
    sample.leave();
    await begin();
  };
  return {
    /** Bring sample data in where there is none, and look at it. Throws ApiError. */
    async enter(): Promise<void> {
      const removable = may('control:sample:update');
      const there = await answer(api.GET('/api/v1/sample'));
      if (there.made_at === null) await answer(api.POST('/api/v1/sample'));
      sample.enter({ removable });
      await begin();
    },
    leave,
    /** Delete all sample data. Throws ApiError. */
    async remove(): Promise<void> {
      await answer(api.POST('/api/v1/sample/delete'));
      await leave();
    },
  };
}
