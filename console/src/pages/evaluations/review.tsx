import { Button, Group, NativeSelect, Stack, Text, Textarea, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { Facts } from '../../components/Facts';
import { Inert, JsonView } from '../../components/Inert';
import { Failure } from '../../components/states';
import { ago, count } from '../../format';
import { evaluations } from '../../strings/evaluations';

type Item = components['schemas']['Item'];
interface Rubric {
  criteria: { name: string; question: string; levels: { value: number; meaning: string }[] }[];
}
const words = evaluations.reviews;

/** One answer before a person: what was asked, what was answered, and what is said of it. */
export function Reviewed({ of }: { of: Item }) {
  const may = useMay()('reviews:label:create');
  return (
    <>
      <Facts of={[[words.judge, of.head.judge], [words.source, of.head.source], [words.wanted, words.of(count(of.head.labels_given), count(of.head.labels_wanted))], [words.since, ago(of.head.created_at)]]} />
      <Title order={3}>{words.content}</Title>
      {of.content === null ? <Text size="sm">{words.gone}</Text> : typeof of.content === 'string' ? <Inert text={of.content} label={words.content} height={320} /> : <JsonView value={of.content} label={words.content} height={320} />}
      {of.labels.length > 0 && <Title order={3}>{words.said}</Title>}
      {of.labels.map((one) => (
        <div key={`${one.reviewer}/${one.at}`}>
          <Text size="sm"><b>{one.reviewer}</b>, {ago(one.at)}: {one.levels === null ? words.skipped : Object.entries(one.levels).map(([name, level]) => `${name} ${level}`).join(', ')}</Text>
          {one.comment !== '' && <Inert text={one.comment} label={words.comment} height={120} />}
          {one.correction !== '' && <Inert text={one.correction} label={words.correction} height={160} />}
        </div>
      ))}
      {may && <Saying of={of} />}
    </>
  );
}

function Saying({ of }: { of: Item }) {
  const renew = useRenew();
  const params = { path: { review_id: of.head.id } };
  const say = useMutation({
    mutationFn: async (fields: FormData | null) => {
      if (fields === null) return answer(api.POST('/api/v1/reviews/{review_id}/skip', { params, body: { comment: '' } }));
      const { criteria } = of.rubric as Rubric;
      const levels = Object.fromEntries(criteria.map(({ name }) => [name, Number(fields.get(`level.${name}`))]));
      const body = { levels, comment: String(fields.get('comment')), correction: String(fields.get('correction')) };
      return answer(api.POST('/api/v1/reviews/{review_id}/label', { params, body }));
    },
    onSuccess: () => renew(['reviews'], ['review', of.head.id]),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    say.mutate(new FormData(event.currentTarget));
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="xs">
        {(of.rubric as Rubric).criteria.map((one) => (
          <NativeSelect key={one.name} name={`level.${one.name}`} label={one.question} data={one.levels.map((level) => ({ value: String(level.value), label: `${level.value}: ${level.meaning}` }))} />
        ))}
        <Textarea name="comment" label={words.comment} autosize minRows={2} />
        <Textarea name="correction" label={words.correction} autosize minRows={2} />
        <Group gap="xs">
          <Button type="submit" size="xs" loading={say.isPending}>{words.say}</Button>
          <Button size="xs" variant="default" disabled={say.isPending} onClick={() => say.mutate(null)}>{words.skip}</Button>
          <Text size="sm" role="status">{say.isSuccess ? words.thanks : ''}</Text>
        </Group>
        {say.error && <Failure problem={say.error} />}
      </Stack>
    </form>
  );
}
