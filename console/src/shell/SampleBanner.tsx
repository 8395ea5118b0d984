import { Button, Group, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { sample } from '../api/sample';
import { useInSample, useSample } from '../api/use-sample';
import { Icon } from '../components/Icon';
import { Failure } from '../components/states';
import { sample as words } from '../strings/sample';
import classes from './SampleBanner.module.css';

/** Stands above every page while what it shows is invented. */
export function SampleBanner() {
  return useInSample() ? <Shown /> : null;
}

function Shown() {
  const { leave, remove } = useSample();
  const removing = useMutation({ mutationFn: remove });
  return (
    <section className={classes.banner} aria-label={words.banner}>
      <Icon name="alert" size={18} />
      <Text size="sm" fw={600}>{words.banner}</Text>
      <Text size="sm">{words.about}</Text>
      <Group gap="xs" ms="auto">
        <Button size="compact-sm" variant="default" onClick={() => void leave()}>{words.leave}</Button>
        {sample.removable && <Button size="compact-sm" variant="default" loading={removing.isPending} onClick={() => removing.mutate()}>{words.remove}</Button>}
      </Group>
      {removing.error && <Failure problem={removing.error} />}
    </section>
  );
}
