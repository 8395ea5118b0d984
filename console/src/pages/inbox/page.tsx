import { Button, NativeSelect, Stack, Switch, Text } from '@mantine/core';
import { Link, useParams } from '@tanstack/react-router';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { Page, Panel } from '../../components/Page';
import { Empty, Shown } from '../../components/states';
import { common } from '../../strings/common';
import { inbox as words } from '../../strings/inbox';
import { useUrl } from '../../url';
import classes from './Inbox.module.css';
import { Due } from './Due';
import { OneTask } from './OneTask';

type Head = components['schemas']['TaskHead'];
type State = 'open' | 'decided' | 'expired' | 'withdrawn';

/** What is before a person, and what it asks; one beside the other, on a phone one after the other. */
export default function Inbox() {
  const { id } = useParams({ strict: false }) as { id?: string };
  const [search, change] = useUrl();
  const state = (search.state ?? 'open') as State;
  const mine = search.mine !== 'no';
  const tasks = usePages<Head>(['tasks', state, mine], ['tasks'], (cursor) =>
    answer(api.GET('/api/v1/tasks', { params: { query: { state, mine, limit: 50, ...(cursor ? { cursor } : {}) } } })),
  );
  const filters = (
    <>
      <Switch label={words.mine} checked={mine} onChange={(event) => change({ mine: event.currentTarget.checked ? undefined : 'no' })} />
      <NativeSelect aria-label={words.stateLabel} value={state} data={Object.entries(words.state).map(([value, label]) => ({ value, label }))} onChange={(event) => change({ state: event.currentTarget.value === 'open' ? undefined : event.currentTarget.value })} />
    </>
  );
  return (
    <Page title={words.title} about={words.about} actions={filters}>
      <div className={classes.columns} data-open={id ? '' : undefined}>
        <div className={classes.aside}>
          <Shown of={tasks}>
            {(rows) => rows.length === 0 ? <Panel title={state === 'open' && mine ? words.none : words.noneSuch}><Empty title={words.noneHint} call={words.call} /></Panel> : (
              <Stack gap="xs">
                <ul className={classes.list} aria-label={words.title}>{rows.map((one) => <li key={one.id}><Item task={one} selected={one.id === id} search={search} /></li>)}</ul>
                {tasks.more.has && <Button variant="default" loading={tasks.more.busy} onClick={tasks.more.load}>{common.more}</Button>}
              </Stack>
            )}
          </Shown>
        </div>
        {id ? <OneTask key={id} id={id} search={search} /> : (tasks.data?.length ?? 0) > 0 && <Text c="dimmed" size="sm" p="md" visibleFrom="md">{words.pick}</Text>}
      </div>
    </Page>
  );
}

function Item({ task, selected, search }: { task: Head; selected: boolean; search: object }) {
  return (
    <Link to={`/inbox/${task.id}`} search={search as never} className={classes.item} data-selected={selected ? '' : undefined} aria-current={selected ? 'true' : undefined}>
      <strong>{task.subject ?? words.erased}</strong>
      <span className={classes.row}>
        <span>{words.ask[task.ask] ?? task.ask} · {task.workflow || task.node}</span>
        <Due task={task} />
      </span>
    </Link>
  );
}
