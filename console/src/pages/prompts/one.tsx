import { Anchor, NativeSelect, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { Facts } from '../../components/Facts';
import { Inert, JsonView } from '../../components/Inert';
import { Page, Panel } from '../../components/Page';
import { Shown, Snippet } from '../../components/states';
import { type TabOf, UrlTabs } from '../../components/UrlTabs';
import { server } from '../../place';
import { prompts as words } from '../../strings/prompts';
import { useUrl } from '../../url';
import { Acts } from '../registry/acts';
import { Editor } from './editor';
import { type Spec, needed, numbersOf } from './prompt';
import { Try } from './try';
import { Versions } from './versions';

type Stored = components['schemas']['Object'];

/** A version's specification, by number. */
export const versionOf = (name: string, number: number) => ({
  queryKey: ['registry', 'prompt', name, number],
  queryFn: () => answer(api.GET('/api/v1/registry/objects/{kind}/{name}/versions/{version}', { params: { path: { kind: 'prompt', name, version: String(number) } } })),
});

export function OnePrompt({ name }: { name: string }) {
  const found = useQuery({ queryKey: ['registry', 'prompt', name], queryFn: () => answer(api.GET('/api/v1/registry/objects/{kind}/{name}', { params: { path: { kind: 'prompt', name } } })), meta: { topics: ['registry'] } });
  return (
    <Page title={name} about={found.data?.description} actions={found.data && <Acts stored={found.data} />}>
      <Anchor component={Link} to="/prompts" size="sm">{words.back}</Anchor>
      <Shown of={found}>{(stored) => <Parts stored={stored} />}</Shown>
    </Page>
  );
}

function Parts({ stored }: { stored: Stored }) {
  const may = useMay();
  const [search, change] = useUrl();
  const asked = Number(search.version);
  const number = Number.isInteger(asked) && asked > 0 && asked <= stored.versions ? asked : stored.versions;
  const one = useQuery(versionOf(stored.name, number));
  const saved = (_: string, made: number) => change({ version: String(made), tab: undefined }, true);
  return (
    <Stack>
      <NativeSelect w={280} label={words.version} value={String(number)} onChange={(event) => change({ version: event.currentTarget.value })} data={numbersOf(stored)} />
      <Shown of={one}>
        {({ spec }) => {
          const prompt = spec as Spec;
          const tabs: (TabOf & { shown?: boolean })[] = [
            { value: 'text', label: words.tabs.text, panel: () => <Shown_ stored={stored} number={number} spec={prompt} /> },
            { value: 'versions', label: words.tabs.versions, panel: () => <Versions stored={stored} number={number} /> },
            { value: 'try', label: words.tabs.try, panel: () => <Try key={number} stored={stored} number={number} spec={prompt} /> },
            { value: 'edit', label: words.tabs.edit, panel: () => <Panel title={words.tabs.edit}><Editor key={number} name={stored.name} spec={prompt} onSaved={saved} /></Panel>, shown: may('registry:version:create') },
          ];
          return <UrlTabs label={words.tabsLabel} tabs={tabs.filter((each) => each.shown !== false)} />;
        }}
      </Shown>
    </Stack>
  );
}

function Shown_({ stored, number, spec }: { stored: Stored; number: number; spec: Spec }) {
  const call = `curl -s ${server}/v1/chat/completions -H "authorization: Bearer $LEGATO_KEY" \\\n  -H 'content-type: application/json' -d '${JSON.stringify({ model: `prompt:${stored.name}@${number}`, metadata: { variables: Object.fromEntries(Object.keys(spec.variables ?? {}).map((name) => [name, '…'])) } }).replaceAll("'", `'\\''`)}'`;
  const shown = [[words.parameters, spec.parameters], [words.partials, spec.partials], [words.schema, spec.output_schema], [words.tests, spec.tests]] as const;
  return (
    <Panel title={words.shown(number)}>
      <Stack>
        <Facts of={[[words.route, spec.route ?? ''], [words.columns.owner, stored.owner]]} />
        {(spec.messages ?? []).map((one, index) => (
          <div key={index}>
            <Title order={3} mb={4}>{one.role}</Title>
            {typeof one.content === 'string' ? <Inert text={one.content} label={words.edit.message(index + 1)} /> : <JsonView value={one.content} label={words.edit.message(index + 1)} />}
          </div>
        ))}
        <Title order={3}>{words.variables}</Title>
        <Variables spec={spec} />
        {shown.flatMap(([name, value]) => (value && Object.keys(value).length > 0 ? [<div key={name}><Title order={3} mb={4}>{name}</Title><JsonView value={value} label={name} height={220} /></div>] : []))}
        <Title order={3}>{words.call}</Title>
        <Snippet code={call} />
      </Stack>
    </Panel>
  );
}

function Variables({ spec }: { spec: Spec }) {
  const variables = Object.entries(spec.variables ?? {});
  const said = words.variable;
  if (variables.length === 0) return <Text size="sm" c="dimmed">{words.noVariables}</Text>;
  return (
    <Table aria-label={words.variables} w="auto">
      <Table.Thead><Table.Tr>{[said.name, said.type, said.needed, said.fallback, said.about].map((name) => <Table.Th key={name} scope="col">{name}</Table.Th>)}</Table.Tr></Table.Thead>
      <Table.Tbody>
        {variables.map(([name, one]) => (
          <Table.Tr key={name}>
            <Table.Td>{name}</Table.Td>
            <Table.Td>{one.type ?? 'string'}</Table.Td>
            <Table.Td>{needed(one) ? said.yes : said.no}</Table.Td>
            <Table.Td>{one.default === undefined ? '' : JSON.stringify(one.default)}</Table.Td>
            <Table.Td>{one.description ?? ''}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
