import { Anchor, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { answer, api } from '../../api/client';
import { Page, Panel } from '../../components/Page';
import { Empty, Shown } from '../../components/states';
import { p as words } from '../../strings/p';
import { useUrl } from '../../url';
import { ChatPage } from './ChatPage';
import { FormPage } from './FormPage';

/** The pages that were published for whoever is signed in; with a name, one of them and nothing else. */
export default function Pages() {
  const { name } = useParams({ strict: false }) as { name?: string };
  return name ? <One key={name} name={name} /> : <All />;
}

function All() {
  const pages = useQuery({ queryKey: ['pages'], queryFn: () => answer(api.GET('/api/v1/pages')) });
  return (
    <Page title={words.title} about={words.about}>
      <Shown of={pages}>
        {({ data }) => data.length === 0 ? <Panel title={words.title}><Empty title={words.none}>{words.noneHint}</Empty></Panel> : (
          <Stack gap="sm">
            {data.map((one) => (
              <Panel key={`${one.org}/${one.name}`} title={one.title} actions={<Text size="sm" c="dimmed">{words.kind[one.kind] ?? one.kind}</Text>}>
                {one.about && <Text size="sm" mb="xs">{one.about}</Text>}
                <Anchor component={Link} to={`/p/${one.name}`} search={{ org: one.org } as never}>{words.open(one.title)}</Anchor>
              </Panel>
            ))}
          </Stack>
        )}
      </Shown>
    </Page>
  );
}

function One({ name }: { name: string }) {
  const [search] = useUrl();
  const query = search.org ? { org: search.org } : {};
  const page = useQuery({ queryKey: ['page', name, search.org], queryFn: () => answer(api.GET('/api/v1/pages/{name}', { params: { path: { name }, query } })) });
  return (
    <Shown of={page}>
      {(found) => <Page title={found.title} about={found.about}>{found.kind === 'chat' ? <ChatPage page={found} /> : <FormPage page={found} />}</Page>}
    </Shown>
  );
}
