import { Button, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { answer, api } from '../api/client';
import { useMay } from '../api/session';
import { useInSample, useSample } from '../api/use-sample';
import { sample as words } from '../strings/sample';
import { Panel } from './Page';
import { Failure } from './states';

/** Offers an invented company to look at; nothing where one looks at it, or may not. */
export function SampleOffer() {
  const may = useMay();
  const inSample = useInSample();
  return may('control:sample:read') && !inSample ? <Offered mayMake={may('control:sample:update')} /> : null;
}

function Offered({ mayMake }: { mayMake: boolean }) {
  const { enter } = useSample();
  const entering = useMutation({ mutationFn: enter });
  const there = useQuery({ queryKey: ['sample'], queryFn: () => answer(api.GET('/api/v1/sample')) });
  if (!there.data || (there.data.made_at === null && !mayMake)) return null;
  return (
    <Panel title={words.title}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{words.offer}</Text>
        <Button variant="default" loading={entering.isPending} onClick={() => entering.mutate()}>{words.enter}</Button>
        {entering.error && <Failure problem={entering.error} />}
      </Stack>
    </Panel>
  );
}
