import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { type Columns, DataTable } from '../../components/DataTable';
import { Details } from '../../components/Details';
import { JsonView } from '../../components/Inert';
import { Empty, Shown } from '../../components/states';
import { ago } from '../../format';
import { evaluations } from '../../strings/evaluations';
import { useUrl } from '../../url';

type Measured = components['schemas']['Measurement'];
const words = evaluations.judges;

const columns: Columns<Measured> = [
  { header: words.judge, id: 'judge', accessorFn: (one) => `${one.judge}@${one.digest.slice(0, 12)}` },
  { header: words.at, id: 'at', accessorFn: (one) => ago(one.at) },
  { header: words.author, accessorKey: 'author' },
];

/** How far judges' versions agreed with people. */
export function Judges() {
  const [search, change] = useUrl();
  const list = usePages(['judge-measurements'], ['evaluations'], (cursor) => answer(api.GET('/api/v1/judges/measurements', { params: { query: { limit: 50, ...(cursor ? { cursor } : {}) } } })));
  const chosen = list.data?.find((one) => one.id === search.selected);
  return (
    <>
      <Shown of={list}>{(rows) => <DataTable label={evaluations.tabs.judges} columns={columns} rows={rows} idOf={(one) => one.id} selected={search.selected} onOpen={(one) => change({ selected: one.id }, true)} more={list.more} empty={<Empty title={words.empty} call={words.call}>{words.emptyHint}</Empty>} />}</Shown>
      <Details opened={chosen !== undefined} title={words.record} onClose={() => change({ selected: undefined })} size={680}>
        {chosen && <JsonView value={chosen.record} label={words.record} height={640} />}
      </Details>
    </>
  );
}
